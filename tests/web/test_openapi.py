"""The document of the API: what it promises is exactly what is answered (`make fuzz` holds the answers to it)."""

from typing import Any

import jsonschema_rs
import pytest
from tests.conftest import Client

from lectern.api import GUARDED, METERED, OPERATED, SHAPES
from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import InvalidRequest, LecternError, TooBusy
from lectern.web.problems import problem_body, shape_for

METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture
def document(settings: Settings) -> dict[str, Any]:
    """What `/openapi.json` says."""
    return create_app(settings).openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """`(method, path, operation)` of each."""
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def codes(operation: dict[str, Any], status: str) -> set[str]:
    """The codes of the errors that an operation may answer with a status."""
    content = operation["responses"].get(status, {}).get("content", {})
    return {code for media in content.values() for code in media.get("examples", ())}


def test_every_error_has_its_path_s_shape(document: dict[str, Any]) -> None:
    """No error of any operation has another shape or media type, the framework's included."""
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status < "400" or (path, status) == ("/health/ready", "503"):
                continue
            shape = shape_for(path, SHAPES)
            [(media_type, media)] = response["content"].items()
            assert (media_type, media["schema"]) == (
                shape.media_type,
                {"$ref": f"#/components/schemas/{shape.name}"},
            ), (method, path, status)
    assert {"HTTPValidationError", "ValidationError"}.isdisjoint(document["components"]["schemas"])


@pytest.mark.parametrize("error", [TooBusy(retry_after_seconds=2), InvalidRequest("x: y", fields=(("x", "y"),))])
def test_a_problem_is_what_its_schema_says(document: dict[str, Any], error: LecternError) -> None:
    """Bodies with and without `fields` have all that is promised, and nothing else."""
    jsonschema_rs.validate(document["components"]["schemas"]["Problem"], problem_body(error))


def test_every_example_is_a_problem_of_its_status(document: dict[str, Any]) -> None:
    """What the document shows for a code has that code, and the status that it stands under if it names one."""
    for _, path, operation in operations(document):
        schema = document["components"]["schemas"][shape_for(path, SHAPES).name]
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                for code, example in media.get("examples", {}).items():
                    value = example["value"]
                    jsonschema_rs.validate(schema, value)
                    if isinstance(value, str):  # the sentence alone
                        assert value == example["summary"]
                        continue
                    told = value["error"]
                    assert (told["code"] if isinstance(told, dict) else told) == code
                    assert str(value.get("status", status)) == status


def test_what_middleware_refuses_stands_at_each_operation(document: dict[str, Any]) -> None:
    """Writes may come from a page that may not call; bodies may be too large or not JSON; doors may be shut."""
    for method, path, operation in operations(document):
        is_guarded = method != "get" or f"{path}/".startswith(tuple(f"{prefix}/" for prefix in GUARDED))
        assert ("origin_not_allowed" in codes(operation, "403")) == is_guarded
        assert ("payload_too_large" in codes(operation, "413")) == (method != "get")
        assert ("unsupported_media_type" in codes(operation, "415")) == (method != "get")
        assert "too_busy" in codes(operation, "503") or (method.upper(), path) not in METERED
    assert "too_busy" not in codes(document["paths"]["/health"]["get"], "503")


def test_what_is_the_operator_s_says_so(document: dict[str, Any]) -> None:
    """Credentials are wanted, and what is answered without them stands there."""
    [report] = [operation for _, path, operation in operations(document) if path == "/health/report"]
    assert "/health/report" in OPERATED
    assert {} not in report["security"]
    assert {name for way in report["security"] for name in way} <= set(document["components"]["securitySchemes"])
    assert "unauthorized" in codes(report, "401")
    assert "WWW-Authenticate" in report["responses"]["401"]["headers"]
    assert "not_found" in codes(report, "404")


def test_an_operation_tells_its_own_errors(document: dict[str, Any]) -> None:
    """What only one endpoint answers stands beside what all answer."""
    chat = document["paths"]["/chat"]["post"]
    assert codes(chat, "404") == {"conversation_not_found"}
    assert codes(document["paths"]["/chat/sessions/{session_id}"]["delete"], "404") == {
        "conversation_not_found",
        "not_found",
    }
    assert codes(chat, "502") == {"upstream_unavailable", "upstream_rejected"}
    assert codes(chat, "503") >= {"too_busy", "shutting_down", "store_unavailable", "index_unavailable"}
    assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}


def test_every_answer_names_its_request(document: dict[str, Any]) -> None:
    """`X-Request-ID` is promised everywhere, `Retry-After` where coming back later helps."""
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            assert "X-Request-ID" in response["headers"]
            assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})


async def test_a_wrong_method_is_told_every_right_one(client: Client) -> None:
    """405 names the methods of all routes of the address, not only the first route's (RFC 9110, 15.5.6)."""
    refused = await client.put("/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
