"""A login server's keys and tokens, made by the tests themselves, so that each can be wrong in one way."""

import base64
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ISSUER = "https://login.example.org"
SECRET = "a-secret-of-this-test-of-more-than-32-characters"
NAME, EMAIL, SUBJECT = "Ada Lovelace", "ada@example.org", "user-4711"
PERSONAL = (NAME, EMAIL, SUBJECT)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and what its server shows of it.

    Attributes:
        private: What it signs with.
        algorithm: How.
        kid: Its name.
    """

    private: Any
    algorithm: str
    kid: str

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as its server shows it."""
        kind = jwt.get_algorithm_by_name(self.algorithm)
        return {**kind.to_jwk(self.private.public_key(), as_dict=True), "kid": self.kid, "alg": self.algorithm}

    def token(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A token of `SUBJECT`'s; a claim that is None is left out."""
        held = {name: value for name, value in (claims() | changed).items() if value is not None}
        return jwt.encode(held, self.private, algorithm=self.algorithm, headers={"kid": self.kid} | (header or {}))


def signer(algorithm: Literal["EdDSA", "ES256", "RS256"] = "EdDSA", *, kid: str = "", bits: int = 2048) -> Signer:
    """A new key."""
    private: Any = ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    elif algorithm == "RS256":
        private = rsa.generate_private_key(65537, bits)
    return Signer(private, algorithm, kid or uuid4().hex)


def claims() -> dict[str, Any]:
    """What Better Auth puts into a token."""
    now = int(time.time())
    return {"iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 900, "sub": SUBJECT, "name": NAME, "email": EMAIL}


def shared(secret: str = SECRET, **changed: Any) -> str:
    """An HS256 token that expires; a claim that is None is left out."""
    held = {"exp": int(time.time()) + 900} | changed
    return jwt.encode({name: value for name, value in held.items() if value is not None}, secret, algorithm="HS256")


def by_hand(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    """A token that no library would make."""
    return ".".join(unpadded(part) for part in (json.dumps(header).encode(), json.dumps(payload).encode(), signature))


def hmac_by_hand(header: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    """One that is signed with a key that no library would take for a secret."""
    signed = by_hand(header, payload).rpartition(".")[0]
    return f"{signed}.{unpadded(hmac.digest(key, signed.encode(), 'sha256'))}"


def session_cookie(token: str, secret: str = SECRET) -> str:
    """A session's cookie as Better Auth makes it."""
    signature = base64.b64encode(hmac.digest(secret.encode(), token.encode(), "sha256")).decode()
    return quote(f"{token}.{signature}", safe="")


def unpadded(data: bytes) -> str:
    """As base64url without its padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
