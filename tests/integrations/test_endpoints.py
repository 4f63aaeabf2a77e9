"""`/admin/keys`, and what a program with a key may do, over the whole app."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from tests.integrations.conftest import ADMIN, OPERATOR, MakeService, Service

from lectern.daily_budget import Budget
from lectern.errors import StoreUnavailable
from lectern.integrations import identities
from lectern.integrations.identities import KeyIdentities
from lectern.integrations.tokens import new_token
from lectern.ports import ApiKey, Ports


class NoKeys:
    """Keys in a database that is away."""

    async def add(self, key: ApiKey, digest: str) -> None:
        """Fail."""
        raise StoreUnavailable

    async def holding(self) -> Mapping[str, ApiKey]:
        """Fail."""
        raise StoreUnavailable

    async def all(self) -> list[ApiKey]:
        """Fail."""
        raise StoreUnavailable

    async def revoke(self, key_id: str) -> bool:
        """Fail."""
        raise StoreUnavailable


async def test_a_key_is_shown_once(service: Service) -> None:
    """In the answer to who makes it; the list has its end and all that was agreed, and not itself."""
    made = await service.key(name=" Support\n bot ", limits="60/Minute", expires_in_days=90)
    listed = await service.client.get("/admin/keys", headers=OPERATOR)
    [shown] = listed.json()["keys"]
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert (shown["name"], shown["limits"], shown["hint"]) == ("Support bot", "60/minute", made["key"][-4:])
    assert shown["principal_id"] == f"integration:{shown['id']}"
    ends = datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < ends < timedelta(days=90, seconds=1)
    assert made["key"] not in listed.text
    assert listed.headers["cache-control"] == "private, no-store"


async def test_a_program_asks_with_its_key(service: Service) -> None:
    """Under its own name, in conversations of its own, with no cookie; by either header."""
    made = await service.key()
    answer = await service.ask(made["key"])
    assert (answer.status_code, answer.json()["response"]) == (200, "Pure functions [1].")
    assert "set-cookie" not in answer.headers
    again = await service.ask(made["key"], session_id=answer.json()["session_id"])
    assert again.status_code == 200
    beside = {"Authorization": "Bearer hf_of_the_hub", "X-Lectern-Authorization": f"Bearer {made['key']}"}
    who = await service.client.get("/whoami", headers=beside)
    assert who.json()["id"] == made["principal_id"]
    person = await service.client.get(f"/admin/people/{made['principal_id']}", headers=OPERATOR)
    assert (person.json()["conversations"], person.json()["turns"]) == (1, 2)
    usage = await service.client.get("/admin/usage", headers=OPERATOR)
    assert usage.json()["usage"][0]["principals"] == {"integration": 1}


async def test_on_a_space_either_header_carries_it(make_service: MakeService) -> None:
    """`Authorization` where the Space is public, beside the Hub's token where it is private."""
    service = make_service(space_id="ada/handbook")
    made = await service.key()
    hub = {"Authorization": "Bearer hf_of_the_hub"}
    for headers in (
        {"Authorization": f"Bearer {made['key']}"},
        hub | {"X-Lectern-Authorization": f"Bearer {made['key']}"},
    ):
        assert (await service.client.get("/whoami", headers=headers)).json()["id"] == made["principal_id"]
    assert (await service.client.get("/whoami", headers=hub)).json()["id"].startswith("visitor:")


async def test_programs_conversations_are_apart(service: Service) -> None:
    """One key does not reach what another began, nor does a visitor."""
    one, other = await service.key(), await service.key()
    session = (await service.ask(one["key"])).json()["session_id"]
    assert (await service.ask(other["key"], session_id=session)).status_code == 403
    visitor = await service.client.post("/chat", json={"message": "And?", "session_id": session})
    assert visitor.status_code == 403


async def test_what_is_a_readers_own_is_not_a_programs(service: Service) -> None:
    """403 with the reason, as for the operator."""
    made = await service.key()
    refused = await service.client.get("/signed-in", headers={"Authorization": f"Bearer {made['key']}"})
    assert refused.status_code == 403
    assert (
        refused.json()["message"] == "This is for readers who are signed in; an integration's key may ask and search."
    )


async def test_a_revoked_key_is_worth_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the seconds for which a worker believes what it read; revoking again is no error."""
    made, other = await service.key(), await service.key()
    assert (await service.ask(made["key"])).status_code == 200
    for _ in range(2):
        gone = await service.client.delete(f"/admin/keys/{made['id']}", headers=OPERATOR)
        assert (gone.status_code, gone.json()["id"]) == (200, made["id"])
    monkeypatch.setattr(identities, "FRESH_SECONDS", 0.0)
    refused = await service.ask(made["key"])
    assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized")
    assert (await service.ask(other["key"])).status_code == 200
    keys = (await service.client.get("/admin/keys", headers=OPERATOR)).json()["keys"]
    assert {key["id"]: key["revoked_at"] is not None for key in keys} == {made["id"]: True, other["id"]: False}


@pytest.mark.parametrize("key_id", ["x", "00000000-0000-0000-0000-000000000000", "%00", "a" * 3000])
async def test_an_unknown_key_is_not_found(service: Service, key_id: str) -> None:
    """404, whatever its id looks like."""
    answer = await service.client.delete(f"/admin/keys/{key_id}", headers=OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (404, "key_not_found")


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"name": ""}, {"name": "  \n"}, {"name": "a\x00"}, {"name": "\ud800"}, {"name": "a" * 101}, {"name": 7}),
        *({"name": "a", "limits": limits} for limits in ("", "often", "0/minute", "60", "1/week", 60, "6" * 50)),
        *({"name": "a", "expires_in_days": days} for days in (0, -1, 3651, "90", 1.5, True)),
    ],
    ids=repr,
)
async def test_a_bad_wish_makes_no_key(service: Service, body: dict[str, object]) -> None:
    """422 that names the field, and nothing is kept."""
    answer = await service.client.post("/admin/keys", content=_json(body), headers=OPERATOR | _JSON)
    assert answer.status_code == 422
    assert (await service.client.get("/admin/keys", headers=OPERATOR)).json() == {"keys": []}


async def test_its_own_rate_is_counted(make_service: MakeService) -> None:
    """Instead of an account's and its address's; with no limits set, too."""
    for limits in ("visitor=1/hour, account=1/hour, address=1/hour", "none"):
        service = make_service(limits=limits)
        one, other = (await service.key(limits="3/hour"))["key"], (await service.key(limits="9/hour"))["key"]
        answers = [await service.ask(one, "/search", query="reducer") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == "3;w=3600"
        assert answers[3].json()["message"].startswith("Too many requests: at most 3 an hour. ")
        assert (await service.ask(other, "/search", query="reducer")).headers["ratelimit-remaining"] == "8"


async def test_without_one_it_is_limited_as_an_account(make_service: MakeService) -> None:
    """By its own bucket of that size."""
    service = make_service(limits="account=2/hour")
    tokens = [(await service.key())["key"] for _ in range(2)]
    statuses = [[(await service.ask(token)).status_code for _ in range(3)] for token in tokens]
    assert statuses == [[200, 200, 429]] * 2


async def test_its_budget_is_an_accounts(make_service: MakeService) -> None:
    """Spent, it gets quotes and the model is not asked, while another key goes on."""
    service = make_service(budgets=(Budget("account", 1, "tokens"),))
    one, other = (await service.key())["key"], (await service.key())["key"]
    texts = [(await service.ask(token)).json()["response"] for token in (one, one, other)]
    assert [text == "Pure functions [1]." for text in texts] == [True, False, True]
    assert len(service.llm.prompts) == 2


async def test_while_the_database_is_away(make_service: MakeService) -> None:
    """A question is answered as a visitor's, as with any login; what needs to know who asks is 503, and so is a key."""
    service = make_service(NoKeys())
    headers = {"Authorization": f"Bearer {new_token()}"}
    who = await service.client.get("/whoami", headers=headers)
    assert (who.json()["id"].partition(":")[0], who.json()["trouble"]) == ("visitor", "store_unavailable")
    assert (await service.client.get("/signed-in", headers=headers)).status_code == 503
    for method, path in (("POST", "/admin/keys"), ("GET", "/admin/keys"), ("DELETE", "/admin/keys/x")):
        body = {"name": "a"} if method == "POST" else None
        answer = await service.client.request(method, path, json=body, headers=OPERATOR)
        assert (answer.status_code, answer.json()["error"]) == (503, "store_unavailable")


async def test_where_no_keys_are_kept(make_service: MakeService) -> None:
    """404 for the operator, whoever else is refused as before."""
    service = make_service()
    app = service.client._transport.app  # type: ignore[attr-defined]
    app.state.keys = None
    assert (await service.client.get("/admin/keys", headers=OPERATOR)).status_code == 404
    assert (await service.client.get("/admin/keys")).status_code == 401


async def test_no_key_is_logged_or_repeated(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Neither one that holds nor one that does not, in a log, an error or a representation."""
    caplog.set_level(logging.DEBUG)
    made, forged = await service.key(), new_token()
    answers = [await service.ask(made["key"]), await service.ask(forged), await service.ask(made["key"] + "x")]
    answers.append(await service.client.post("/chat", json={}, headers={"Authorization": f"Bearer {made['key']}"}))
    assert [answer.status_code for answer in answers] == [200, 401, 401, 422]
    for secret in (made["key"], forged, ADMIN):
        assert secret not in caplog.text
        assert all(secret[3:] not in answer.text + str(answer.headers) for answer in answers)
    ports: Ports = service.client._transport.app.state.ports  # type: ignore[attr-defined]
    [source] = ports.identities
    assert isinstance(source, KeyIdentities)
    assert made["key"] not in repr(vars(source))


_JSON = {"Content-Type": "application/json"}


def _json(body: object) -> bytes:
    """JSON that may hold half a character, as a client can write it."""
    return json.dumps(body).encode()
