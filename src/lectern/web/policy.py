"""Content security policies: only the page's own script and style run."""

import base64
import hashlib
from collections.abc import Sequence


def content_policy(*, scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> str:
    """A `Content-Security-Policy` that allows these inline blocks, requests to this server, and nothing else.

    Args:
        scripts: The exact texts between `<script>` and `</script>`.
        styles: The exact texts between `<style>` and `</style>`.
    """
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hashes(blocks: Sequence[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks]
    return " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
