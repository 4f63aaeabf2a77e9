"""The bodies of what operators read."""

from pydantic import BaseModel, Field

from lectern.ops.findings import State


class FindingBody(BaseModel):
    """One line of a report."""

    name: str
    state: State
    found: str = Field(description="What was seen, in a few words")
    fix: str = Field(description="What to do; empty when there is nothing")
    milliseconds: int | None = Field(description="How long the looking took")


class ReportBody(BaseModel):
    """What is configured, and whether it works."""

    status: State = Field(description="The worst state of all findings")
    milliseconds: int
    version: str
    age_seconds: float
    findings: list[FindingBody]
