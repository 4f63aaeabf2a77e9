"""One question, every client: what they hear is the same, and the same as what is kept."""

import pytest
from tests.conformance import heard
from tests.conformance.asking import by_all
from tests.conformance.conftest import Clients, OpenSite
from tests.service_process import outcomes


@pytest.mark.parametrize(
    ("model", "finish", "env"),
    [
        ("stub-itl2", "stop", {}),
        ("stub-itl2", "length", {"MAX_ANSWER_TOKENS": "20"}),
        ("stub-itl2-filter", "filtered", {}),
    ],
)
def test_every_client_hears_the_same(
    open_site: OpenSite, clients: Clients, model: str, finish: str, env: dict[str, str]
) -> None:
    """Text, sources, what is cited, the reason to finish and the tokens, in each protocol and by each client."""
    site = open_site(model, **env)
    answers = by_all(site, clients, site.key())
    assert len(answers) >= 23
    assert heard.differences(answers) == {}
    one = answers["native SSE"]
    assert one.finish == finish
    assert one.text.startswith("You asked: How do I")
    assert one.sources is not None
    assert one.sources[0][1].startswith(f"{site.url}/pages/lectern/#running-the-tests")
    kept = outcomes(site.folder)
    assert kept == [("answered", one.text)] * len(answers)
