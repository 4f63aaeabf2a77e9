"""The calls of one turn: checked, asked about first where the reader did not ask for them, and each written once."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import anyio

from lectern.ports import ToolCall
from lectern.tasks.draft import Draft
from lectern.tasks.events import Event, ExecutionStatus, ToolUsed
from lectern.tasks.grounding import Said, is_grounded
from lectern.tasks.telling import sentence
from lectern.tasks.tools import Prepared, Toolbox, ToolResult, ToolUse, refused, task_json

MOST_MISTAKES: Final = 3
"""After so many wrong calls a model does not find out by itself."""

MOST_ARGUMENT_CHARACTERS: Final = 20_000
"""A title and a description, each character escaped, are less."""

_MOST_DEPTH: Final = 4
"""Tools take flat objects; what is deeper is a mistake, and may be too deep to encode."""

_WRITE_SECONDS: Final = 5
"""How long a write may still take after its reader has left."""

_HELD: Final = json.dumps(
    {"status": "not_done_yet", "message": "The reader is asked first, after this turn. Do not ask yourself."}
)


class Calls:
    """Does what a model, the grammar or a yes calls for, as far as the reader's own words allow.

    Args:
        toolbox: The reader's.
        draft: The turn; each call is noted in it.
        said: What the reader said before, for grounding; its tasks are read when the first write comes.

    Attributes:
        held: Calls that wait for the reader's yes.
        unclear: Results that fit several tasks.
        shown: The last list of tasks, as text; empty when none was asked for.
        count: How many calls there were.
        mistakes: How many of them were wrong.
    """

    def __init__(self, toolbox: Toolbox, draft: Draft, said: Said) -> None:
        self.held: list[Prepared] = []
        self.unclear: list[ToolResult] = []
        self.shown = ""
        self.count = 0
        self.mistakes = 0
        self._toolbox = toolbox
        self._draft = draft
        self._said = said
        self._knows_tasks = False
        self._written: Counter[str] = Counter()
        self._seen: set[str] = set()

    async def call(self, call: ToolCall) -> tuple[ToolResult, Event]:
        """Do what a model asks for; what is wrong with it is told to the model."""
        arguments = _parsed(call.arguments)
        if arguments is None:
            self.count += 1
            return self._told(ToolUse(call.name, {}), refused("The arguments are not a JSON object."))
        use = ToolUse(call.name, arguments)
        sign = json.dumps([use.name, use.arguments], sort_keys=True)
        if sign in self._seen:
            self.count += 1
            return self._told(use, refused("This very call was made before; its result stands above."))
        result = await self.do(use)
        self._seen.add(sign)
        return result

    async def do(self, use: ToolUse) -> tuple[ToolResult, Event]:
        """Do a call, or hold it until the reader says yes."""
        self.count += 1
        prepared = await self._toolbox.prepare(use)
        if isinstance(prepared, ToolResult):
            if prepared.status == "ambiguous":
                self.unclear.append(prepared)
            return self._told(use, prepared)
        # Tens of milliseconds where there are hundreds of tasks.
        if prepared.writes and not await asyncio.to_thread(is_grounded, prepared, await self._ground()):
            self.held.append(prepared)
            held = ToolResult("success", _HELD, (prepared.task,) if prepared.task else ())
            return self._told(prepared.use, held, status="confirmation_required")
        return await self.perform(prepared)

    async def perform(self, prepared: Prepared, *, key: str | None = None) -> tuple[ToolResult, Event]:
        """Do a call that was prepared, without asking.

        Args:
            prepared: The call.
            key: Of the write; None makes it of the turn and the call's number in it.
        """
        use = prepared.use
        if not prepared.writes:
            result = await self._toolbox.perform(prepared, key=None)
            self.shown = sentence(use.name, result)
            return self._told(use, result)
        writing = asyncio.create_task(self._toolbox.perform(prepared, key=key or self._key(prepared)))
        try:
            result = await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A write that has begun is waited for, so that a turn that is cut off knows what it did.
            with anyio.CancelScope(shield=True):
                await asyncio.wait({writing}, timeout=_WRITE_SECONDS)
            if writing.done() and not writing.cancelled() and writing.exception() is None:
                self._done(use, writing.result())
            raise
        return self._done(use, result)

    def _done(self, use: ToolUse, result: ToolResult) -> tuple[ToolResult, Event]:
        if result.status == "success":
            self._draft.told.append(sentence(use.name, result))
        self._seen.clear()  # a list is another one now
        return self._told(use, result)

    def _key(self, prepared: Prepared) -> str:
        """The turn, the tool with its task, and how often that was called: a retry may call in another order."""
        what = f"{prepared.name}:{prepared.number or ''}"
        self._written[what] += 1
        return f"{self._draft.turn_id}:{what}:{self._written[what]}"

    async def _ground(self) -> Said:
        """What the reader said, with the tasks as they were before the first write of this turn."""
        if not self._knows_tasks:
            self._said = Said(self._said.message, self._said.earlier, tuple(await self._toolbox.everything()))
            self._knows_tasks = True
        return self._said

    def _told(
        self, use: ToolUse, result: ToolResult, *, status: ExecutionStatus | None = None
    ) -> tuple[ToolResult, Event]:
        if result.status == "error":
            self.mistakes += 1
        event = ToolUsed(
            tool_name=use.name,
            parameters=dict(use.arguments),
            execution_status=status or result.status,
            tasks=tuple(task_json(task) for task in result.tasks),
        )
        return result, self._draft.note(event)


def _parsed(arguments: str) -> Mapping[str, Any] | None:
    """A model's arguments; none at all are an empty object. None when they are no JSON object that can be told on."""
    if len(arguments) > MOST_ARGUMENT_CHARACTERS:
        return None
    try:
        parsed = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) and _can_be_told(parsed) else None


def _can_be_told(value: object, depth: int = 0) -> bool:
    """Whether a value can be encoded again: no half characters, no NaN or infinity, nothing that is too deep."""
    match value:
        case str():
            return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
        case float():
            return math.isfinite(value)
        case dict():
            return depth < _MOST_DEPTH and all(_can_be_told(each, depth + 1) for pair in value.items() for each in pair)
        case list():
            return depth < _MOST_DEPTH and all(_can_be_told(each, depth + 1) for each in value)
        case _:
            return True
