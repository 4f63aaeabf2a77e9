"""What the Hub's refusals mean, in words that say what to do."""

from typing import Final

from huggingface_hub.errors import HfHubHTTPError

from lectern.deploy.errors import FAILED, LATER, REFUSED, UNUSABLE, DeployError

_TOKENS: Final = "https://huggingface.co/settings/tokens"
PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses that pass by themselves; the call is made again."""

_WHY: Final = {
    402: "Hugging Face asks for a paid plan before it makes a Docker Space (since July 2026; running one on cpu-basic "
    "costs nothing). Three ways on: a PRO account (https://huggingface.co/pro), or Team or Enterprise for an "
    "organization; a Docker Space that you already have, by its name; or the same image elsewhere: docs/deploy.md.",
    401: f"The Hub does not take this token here: {_TOKENS} shows what it may do.",
    403: f"The token may not do that. It must be allowed to write to this Space's owner: {_TOKENS}; a fine-grained one "
    "needs write access to the contents and settings of the owner's repos.",
    404: "There is no such Space, or the token may not see it.",
    409: "The name is taken by a repo that this token may not see, or the Space is being changed by someone else.",
    412: "Someone else pushed at the same time. Nothing was overwritten; run the same command again.",
    429: "The Hub takes no more calls for the moment. Run the same command again in some minutes; it goes on.",
}
_CODES: Final = {401: REFUSED, 402: REFUSED, 403: REFUSED, 404: UNUSABLE, 409: UNUSABLE, 412: LATER, 429: LATER}


def no_token(what: str) -> str:
    """What is wrong with the token, and how to get one that does."""
    return (
        f"{what} Make one with the role Write (or a fine-grained one that may write to the contents and settings of "
        f"the owner's repos) at {_TOKENS}, then `hf auth login`, or set HF_TOKEN."
    )


def explained(doing: str, error: HfHubHTTPError) -> DeployError:
    """The Hub's refusal in our words. Its own words are added where ours know nothing; they never hold a value."""
    status = error.response.status_code
    if status in PASSING - {429}:
        return DeployError(f"Could not {doing}: the Hub answers {status}. Run the same command again later.", LATER)
    why = _WHY.get(status) or error.server_message or error.response.headers.get("X-Error-Message") or "no reason given"
    return DeployError(f"Could not {doing} (the Hub answers {status}). {why}", _CODES.get(status, FAILED))
