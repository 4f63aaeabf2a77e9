"""The boot report: where it listens, how many workers and why, what each part is, what production still needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lectern.ports import Part


@dataclass(frozen=True, slots=True)
class BootReport:
    """What is told once, when the server is up.

    Attributes:
        address: URL to open.
        version: Lectern's.
        plan: One sentence a number: workers, and why that many.
        parts: Each dependency with its kind and state.
        missing: What is not set for production, as `(variable, consequence)`.
        startup: Seconds from the process's beginning to each milestone, in their order; `warm` is the end.
    """

    address: str
    version: str
    plan: Sequence[str]
    parts: Sequence[Part]
    missing: Sequence[tuple[str, str]]
    startup: Mapping[str, float] = field(default_factory=dict)

    def text(self) -> str:
        """The report for people."""
        lines = [f"Lectern {self.version} is up: {self.address}", ""]
        lines += [f"  {sentence}" for sentence in self.plan]
        if self.startup:
            lines.append(f"  {self._started()}")
        lines.append("")
        lines += [f"  {part.name:<11}{part.kind}, {part.state}{_note(part.note)}" for part in self.parts]
        if self.missing:
            lines += ["", "  For production, set:"]
            width = max(len(variable) for variable, _ in self.missing)
            lines += [f"    {variable:<{width}}  {consequence}" for variable, consequence in self.missing]
        return "\n".join(lines)

    def _started(self) -> str:
        """The budget of the start in one sentence."""
        milestones = ", ".join(f"{name} at {seconds:g}" for name, seconds in self.startup.items() if name != "warm")
        return f"Started in {max(self.startup.values()):g} s: {milestones}."

    def fields(self) -> dict[str, object]:
        """The report for programs: the extra fields of one log line."""
        return {
            "address": self.address,
            "version": self.version,
            "plan": list(self.plan),
            "parts": [{"name": p.name, "kind": p.kind, "state": p.state, "note": p.note} for p in self.parts],
            "missing": dict(self.missing),
            "startup_seconds": dict(self.startup),
        }


def _note(note: str) -> str:
    return f" ({note})" if note else ""
