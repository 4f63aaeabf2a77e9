"""An answer that is over, asked for by its message's id: what a page gets that was cut off too long ago."""

import httpx2
from tests.ai_sdk.test_endpoints import CHAT, body, part, parts
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.formats.legal_ai_sdk import text_of_legal_stream
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of

from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports


async def test_an_answer_that_is_over_is_sent_again_by_its_id(store: SqlStore, settings: Settings) -> None:
    """The same message, to its own reader only; without its id nothing is under way."""
    index = FixedIndex(hits(passage(1, "Reducers are pure.")))
    llm = ScriptedLLM("Reducers ", "are pure [1].")
    ports = Ports(store, index, llm, identities=(logins(),), journal=SqlJournal(database_of(store)))
    transport = httpx2.ASGITransport(create_app(settings, ports), raise_app_exceptions=False)
    stream = f"/api/chat/{CHAT}/stream"
    async with httpx2.AsyncClient(transport=transport, base_url="http://lectern.test") as client:
        asked = await client.post("/api/chat", json=body("What is a reducer?"), headers=bearer(ANNE))
        named = {"turn_id": part(asked, "start")["messageId"]}
        again = await client.get(stream, params=named, headers=bearer(ANNE))
        assert text_of_legal_stream(again.content) == text_of_legal_stream(asked.content)
        others = [each for each in parts(again) if each["type"] != "text-delta"]
        assert others == [each for each in parts(asked) if each["type"] != "text-delta"]
        assert (await client.get(stream, params=named, headers=bearer(BEN))).status_code == 204
        assert (await client.get(stream, headers=bearer(ANNE))).status_code == 204
