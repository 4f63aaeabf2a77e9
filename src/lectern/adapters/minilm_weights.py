"""Where the weights of all-MiniLM-L6-v2 are on this machine, and how they get there.

Looking is cheap and never touches the network. Fetching is for the command line only; a serving process never fetches.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from lectern.errors import UpstreamUnavailable

REPOSITORY: Final = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS: Final = "model.safetensors"
FILES: Final = (WEIGHTS, "tokenizer.json")

_REACH_SECONDS: Final = 10

WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights as the hub serves them; vectors of other weights could not be compared with those of these."""


def find_weights(folder: Path | None = None) -> Path | None:
    """The folder that holds the model's files, or None.

    Args:
        folder: Look there and nowhere else; None means the Hugging Face cache, the revision `main` first.
    """
    if folder is not None:
        return folder if _complete(folder) else None
    repository = _cache() / f"models--{REPOSITORY.replace('/', '--')}"
    snapshots = repository / "snapshots"
    try:
        main = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    candidates = [snapshots / main] if main else []
    if snapshots.is_dir():
        candidates += sorted(snapshots.iterdir())
    return next((candidate for candidate in candidates if _complete(candidate)), None)


def fetch_weights(*, weights_sha256: str = WEIGHTS_SHA256) -> Path:
    """Fetch the model's files, 91 MB, into the Hugging Face cache; return their folder. Blocks, and draws its progress.

    A fetch that was cut off goes on where it stopped; a file appears in the cache only once it is whole.
    `HF_ENDPOINT` names another hub, `HF_HUB_OFFLINE=1` forbids it.

    Raises:
        UpstreamUnavailable: The hub cannot be reached, or sent something else; nothing is left of that.
    """
    import httpx2  # noqa: PLC0415 - serving looks only, and pays for neither
    from huggingface_hub import constants, hf_hub_download  # noqa: PLC0415 - 0.2 s

    if constants.HF_HUB_OFFLINE:
        raise UpstreamUnavailable("The local embedding model could not be fetched: HF_HUB_OFFLINE forbids it.")
    try:
        # The library tries an address that nobody listens on for 20 s; one look says so at once.
        httpx2.head(constants.ENDPOINT, timeout=_REACH_SECONDS)
        # No token: the model is public, and whoever plays the hub has no business with it.
        tokenizer, weights = (Path(hf_hub_download(REPOSITORY, name, token=False)) for name in reversed(FILES))
        with weights.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except Exception as error:  # the hub's library raises what its own dependencies do
        reason = f"The local embedding model could not be fetched ({type(error).__name__})."
        raise UpstreamUnavailable(reason) from error
    if found != weights_sha256:
        _forget(tokenizer)
        _forget(weights)
        raise UpstreamUnavailable("What was fetched is not the local embedding model; it was thrown away.")
    return weights.parent


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def _cache() -> Path:
    """Where the hub's library keeps what it fetches; the same variables decide, without importing it."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "huggingface" / "hub"


def _forget(file: Path) -> None:
    """Remove a file of the cache: the link in the snapshot and the content that it names."""
    file.resolve().unlink(missing_ok=True)
    file.unlink(missing_ok=True)
