"""What was rewritten before, and leases on what is being rewritten now. A store that is down costs only money."""

import hashlib
import json
import logging
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import anyio

from lectern.errors import StoreUnavailable
from lectern.ports import Claim, Rewrites
from lectern.resilience import deadline
from lectern.study.framing import VERSION
from lectern.study.prompts import Purpose, version_of

logger = logging.getLogger(__name__)

_SAVE_SECONDS: Final = 5
"""How long keeping what was paid for, or giving up a lease, may take; also after the request's time, or its reader."""


def key_of(text: str, purpose: Purpose, model: str) -> str:
    """What a segment's rewritten text is kept under: a digest of all that decides it, in hexadecimal.

    A term of a glossary is a placeholder, so how it is rendered decides nothing here.

    Args:
        text: The segment's, with placeholders.
        purpose: What it is rewritten for.
        model: Who rewrites it.
    """
    language = purpose.language.code if purpose.language else ""
    parts = [VERSION, version_of(purpose.kind), model, purpose.kind, language, purpose.profile, text]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def next_key(key: str) -> str:
    """Where to keep a text when what stands under its key is not fit to be used, and cannot be replaced."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keeping:
    """The store for one request; from its first failure on, the request goes without.

    Args:
        rewrites: Where texts are kept; None keeps nothing.
        lease_seconds: When others may do what this request has claimed and neither kept nor given up.
    """

    def __init__(self, rewrites: Rewrites | None, *, lease_seconds: float) -> None:
        self._rewrites = rewrites
        self._lease_seconds = lease_seconds
        self._holder = uuid.uuid4().hex
        self._leased: set[str] = set()
        self._failed = False

    async def kept(self, keys: Collection[str]) -> Mapping[str, str]:
        """`key → text` of what is there."""
        if self._rewrites is not None and keys and not self._failed:
            with self._forgoing():
                return await self._rewrites.kept(keys)
        return {}

    async def claim(self, keys: Collection[str]) -> Claim:
        """What is there, and what this request may do now; all of it when nobody can be asked."""
        if self._rewrites is not None and keys and not self._failed:
            with self._forgoing():
                claim = await self._rewrites.claim(keys, holder=self._holder, seconds=self._lease_seconds)
                self._leased |= claim.mine
                return claim
        return Claim({}, frozenset(keys))

    async def keep(self, texts: Mapping[str, str]) -> None:
        """Keep what was made."""
        if self._rewrites is not None and texts and not self._failed:
            with self._forgoing(), anyio.move_on_after(_SAVE_SECONDS, shield=True), deadline.lifted():
                await self._rewrites.keep(texts)
                self._leased.difference_update(texts)

    async def release(self) -> None:
        """Give up what was claimed and not kept, so that others need not wait for the lease to end.

        This is tried also when the store has failed: it may be back.
        """
        if self._rewrites is not None and self._leased:
            with self._forgoing(), anyio.move_on_after(_SAVE_SECONDS, shield=True), deadline.lifted():
                await self._rewrites.release(self._leased, holder=self._holder)
                self._leased.clear()

    @contextmanager
    def _forgoing(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            logger.warning("chapters are rewritten without their store: %s", type(error.__cause__).__name__)
            self._failed = True
