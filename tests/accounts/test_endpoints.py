"""`/api/auth` in both shapes that front ends speak, as they call it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.accounts.conftest import PASSWORD, SITE, Service, with_conversations
from tests.identities import ListedPeople

from lectern.errors import StoreUnavailable
from lectern.principal import Principal
from lectern.web import access

USER = {
    "id",
    "email",
    "name",
    "emailVerified",
    "createdAt",
    "updatedAt",
    "programmingLevel",
    "hardwareBackground",
    "learningGoals",
    "proficiency",
}


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


async def test_signing_up_by_cookie(service: Service) -> None:
    """201 with the user as the form told it, a cookie that no script reads, and no token in the body."""
    answer = await service.client.post(
        "/api/auth/sign-up",
        json={
            "email": "Ada@Example.ORG ",
            "password": PASSWORD,
            "programmingLevel": "advanced",
            "hardwareBackground": "none",
            "learningGoals": ["ROS", "kinematics"],
        },
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user", "message"}
    assert set(body["user"]) == USER
    assert body["user"]["email"] == "ada@example.org"
    assert body["user"]["programmingLevel"] == "advanced"
    assert body["user"]["learningGoals"] == ["ROS", "kinematics"]
    assert body["user"]["emailVerified"] is False
    [cookie] = [value for value in answer.headers.get_list("set-cookie") if value.startswith("lectern_login=")]
    name, *attributes = cookie.split("; ")
    assert name.startswith("lectern_login=lectern_")
    assert attributes == ["Max-Age=3600", "Path=/", "HttpOnly", "SameSite=Lax"]
    session = (await service.client.get("/api/auth/session")).json()
    assert session == {"session": {"user": body["user"]}}


async def test_over_https_other_sites_may_send_the_cookie(service: Service) -> None:
    """A page of the book on another host keeps its own partitioned cookie, which plain http never gets."""
    async with service.elsewhere("https://lectern.test") as client:
        body = {"email": "https@example.org", "password": PASSWORD, "name": "Ada"}
        answer = await client.post("/api/auth/sign-up", json=body)
    assert "HttpOnly; SameSite=None; Secure; Partitioned" in answer.headers["set-cookie"]


async def test_signing_up_by_token(service: Service) -> None:
    """With `proficiency` the answer has a bearer token and no login cookie; the token then says who it is."""
    answer = await service.client.post(
        "/api/auth/sign-up",
        json={"email": "bob@example.org", "name": "Bob", "password": PASSWORD, "proficiency": "pro"},
    )
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"user", "session"}
    assert set(body["session"]) == {"accessToken", "tokenType", "expiresAt"}
    assert body["session"]["tokenType"] == "Bearer"
    assert body["user"]["proficiency"] == "pro"
    assert "lectern_login" not in answer.headers.get("set-cookie", "")
    assert datetime.fromisoformat(body["session"]["expiresAt"]) > datetime.now(UTC) + timedelta(minutes=59)
    async with service.elsewhere() as client:
        headers = bearer(body["session"]["accessToken"])
        assert (await client.get("/api/auth/verify", headers=headers)).json() == {"valid": True, "user": body["user"]}
        current = (await client.get("/api/auth/get-session", headers=headers)).json()
    assert current["user"] == body["user"]
    assert current["session"]["accessToken"] == body["session"]["accessToken"]
    assert current["session"]["expiresAt"][:19] == body["session"]["expiresAt"][:19]


async def test_signing_in_by_cookie_and_by_token(service: Service) -> None:
    """Both shapes sign the same account in, however its address is typed."""
    made = await service.sign_up("eve@example.org", programmingLevel="beginner")
    async with service.elsewhere() as client:
        answer = await client.post("/api/auth/sign-in", json={"email": "EVE@example.org", "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.json()["user"] == made["user"]
        assert (await client.get("/api/auth/session")).json()["session"]["user"] == made["user"]
        current = (await client.get("/api/auth/get-session")).json()
        assert current["session"]["accessToken"] is None
        assert current["session"]["expiresAt"]
    async with service.elsewhere() as client:
        body = {"email": "eve@example.org", "password": PASSWORD}
        answer = await client.post("/api/auth/sign-in/email", json=body)
        assert answer.status_code == 200
        assert answer.json()["user"] == made["user"]
        headers = bearer(answer.json()["session"]["accessToken"])
        assert (await client.get("/api/auth/verify", headers=headers)).json()["valid"] is True


async def test_signing_out_ends_the_login_everywhere(service: Service) -> None:
    """A copy of the token is worth nothing afterwards; other logins of the account go on."""
    await service.sign_up("carol@example.org")
    credentials = {"email": "carol@example.org", "password": PASSWORD}
    signed_in = [(await service.client.post("/api/auth/sign-in/email", json=credentials)).json() for _ in range(2)]
    ended, other = (bearer(body["session"]["accessToken"]) for body in signed_in)
    async with service.elsewhere() as client:
        assert (await client.post("/api/auth/sign-out", headers=ended)).json() == {"success": True}
        assert (await client.get("/api/auth/verify", headers=ended)).status_code == 401
        assert (await client.get("/api/auth/get-session", headers=ended)).json() == {"user": None, "session": None}
        assert (await client.get("/api/auth/verify", headers=other)).status_code == 200
        assert (await client.post("/api/auth/sign-out", headers=ended)).json() == {"success": True}


async def test_signing_out_takes_the_cookie_away(service: Service) -> None:
    """The browser forgets the cookie, and the copy somebody made of it says nothing."""
    await service.sign_up()
    copied = service.client.cookies["lectern_login"]
    answer = await service.client.post("/api/auth/sign-out")
    assert "lectern_login=; Max-Age=0" in answer.headers["set-cookie"]
    assert (await service.client.get("/api/auth/session")).json() == {"session": None}
    async with service.elsewhere() as client:
        client.cookies.set("lectern_login", copied)
        assert (await client.get("/api/auth/session")).json() == {"session": None}


async def test_nobody_is_signed_in(service: Service) -> None:
    """A visitor is told so without an error where a client only asks, and refused where there is nothing to give."""
    client = service.client
    assert (await client.get("/api/auth/session")).json() == {"session": None}
    assert (await client.get("/api/auth/get-session")).json() == {"user": None, "session": None}
    assert (await client.get("/api/auth/verify")).json() == {"valid": False, "user": None}
    for method, path in (
        ("GET", "profile"),
        ("POST", "profile/update"),
        ("GET", "export"),
        ("DELETE", "account"),
    ):
        body: object = {} if method == "POST" else None
        assert (await client.request(method, f"/api/auth/{path}", json=body)).status_code == 401


async def test_a_token_that_is_not_valid(service: Service) -> None:
    """It is refused where it matters, and means nobody where a client asks whether it still holds."""
    for token in ("lectern_forged", "site-forged", "nobody's", "lectern_" + "x" * 8000):
        headers = bearer(token)
        assert (await service.client.get("/api/auth/verify", headers=headers)).status_code == 401
        assert (await service.client.get("/api/auth/session", headers=headers)).json() == {"session": None}
        assert (await service.client.post("/api/auth/sign-out", headers=headers)).json() == {"success": True}


async def test_the_profile_of_an_account(service: Service) -> None:
    """What one front end tells the other one reads; null forgets, what is left out stays."""
    await service.sign_up(programmingLevel="beginner", learningGoals="walk")
    told = {"technical_background": "none", "hardware_access": ["Jetson", "lab"], "learning_goals": "run"}
    assert (await service.client.post("/api/auth/profile/update", json=told)).json() == {"success": True}
    assert (await service.client.get("/api/auth/profile")).json() == {
        "profile": {
            "programmingLevel": "beginner",
            "hardwareBackground": None,
            "learning_goals": "run",
            "proficiency": None,
            "technical_background": "none",
            "hardware_access": ["Jetson", "lab"],
        }
    }
    await service.client.post("/api/auth/profile/update", json={"hardware_access": None})
    profile = (await service.client.get("/api/auth/profile")).json()["profile"]
    assert profile["hardware_access"] is None
    assert profile["technical_background"] == "none"
    user = (await service.client.get("/api/auth/session")).json()["session"]["user"]
    assert (user["learningGoals"], user["programmingLevel"]) == ("run", "beginner")


async def test_a_user_of_the_sites_login_server(service: Service) -> None:
    """It is answered from its token, has a profile of its own, and is gone with it when it asks for that."""
    headers = bearer("site-token")
    client = service.client
    assert (await client.get("/api/auth/profile", headers=headers)).json() == {"profile": None}
    await client.post("/api/auth/profile/update", headers=headers, json={"proficiency": "pro"})
    user = (await client.get("/api/auth/verify", headers=headers)).json()["user"]
    assert (user["id"], user["email"], user["name"]) == ("42", "grace@example.org", "Grace")
    assert (user["proficiency"], user["emailVerified"], user["createdAt"]) == ("pro", None, None)
    assert (await client.get("/api/auth/session", headers=headers)).json() == {"session": {"user": user}}
    current = (await client.get("/api/auth/get-session", headers=headers)).json()
    assert current["session"] == {"accessToken": "site-token", "tokenType": "Bearer", "expiresAt": None}
    assert (await client.delete("/api/auth/account", headers=headers)).json() == {"success": True}
    assert (await client.get("/api/auth/profile", headers=headers)).json() == {"profile": None}


@pytest.mark.parametrize("path", ["sign-up", "sign-in", "sign-in/email"])
async def test_where_there_are_no_accounts(service: Service, path: str) -> None:
    """Nobody signs up or in, and nothing is looked at; a login server's users go on having a profile."""
    app = service.client._transport.app  # type: ignore[attr-defined]
    app.state.accounts._is_open = False
    answer = await service.client.post(f"/api/auth/{path}", json={"email": "a@example.org", "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (404, "accounts_off")
    assert (service.passwords.hashed, service.passwords.verified) == (0, 0)
    assert (await service.client.get("/api/auth/session")).json() == {"session": None}
    told = await service.client.post(
        "/api/auth/profile/update", headers=bearer("site-token"), json={"proficiency": "pro"}
    )
    assert told.status_code == 200


async def test_while_it_cannot_be_told_who_asks(service: Service) -> None:
    """A client that asks whether it is signed in is told to try again, not that it is not."""
    made = await service.sign_up(proficiency="pro")
    headers = bearer(made["session"]["accessToken"])  # type: ignore[index]
    app = service.client._transport.app  # type: ignore[attr-defined]
    down = ListedPeople({}, prefix="lectern_", trouble=StoreUnavailable())
    app.state.ports = replace(service.ports, identities=(down,))
    for path in ("session", "get-session", "verify", "profile", "export"):
        answer = await service.client.get(f"/api/auth/{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (503, "store_unavailable")
    app.state.ports = service.ports
    assert (await service.client.get("/api/auth/verify", headers=headers)).status_code == 200


class Claims:
    """Conversations that only remember who claimed what."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def claim(self, visitor_id: str, principal_id: str) -> int:
        """Remember it."""
        self.seen.append((visitor_id, principal_id))
        return 1


async def test_a_new_visitor_has_nothing_to_claim(service: Service) -> None:
    """Without an earlier id the database is not asked."""
    claims = Claims()
    with_conversations(service, claims)
    await service.sign_up()
    assert claims.seen == []


@pytest.mark.parametrize("shape", ["sign-up", "sign-in", "sign-in/email"])
async def test_signing_in_claims_the_visitors_conversations(
    service: Service, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor who was here before keeps what it asked, in each shape."""
    await service.sign_up("known@example.org")
    app = service.client._transport.app  # type: ignore[attr-defined]
    visitor = access.Caller(Principal("visitor", "v1"), "192.0.2.1")

    async def known() -> access.Caller:
        return visitor

    monkeypatch.setitem(app.dependency_overrides, access._caller, known)
    claims = Claims()
    with_conversations(service, claims)
    email = "new@example.org" if shape == "sign-up" else "known@example.org"
    answer = await service.client.post(f"/api/auth/{shape}", json={"email": email, "password": PASSWORD})
    assert claims.seen == [("visitor:v1", f"account:{answer.json()['user']['id']}")]


async def test_pages_of_other_sites_may_not_ask(service: Service) -> None:
    """Nothing of an account is told to a page of a site that is not listed, by whatever method."""
    await service.sign_up()
    for method, path in (("GET", "session"), ("GET", "export"), ("POST", "sign-in"), ("DELETE", "account")):
        answer = await service.client.request(
            method, f"{SITE}/api/auth/{path}", headers={"Origin": "https://evil.example"}
        )
        assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
