"""Environments from pins: made once, made again when the pins change, and a clear word when they cannot be. Offline."""

from pathlib import Path

import pytest
from loadtests.peers import environments
from loadtests.peers.environments import NotInstalledError, made
from loadtests.peers.lineup import PEERS

OFFLINE = "--no-index\n"


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pins of a peer `one`, which ask for nothing."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "peers")
    file = tmp_path / "requirements.txt"
    file.write_text(OFFLINE)
    monkeypatch.setitem(environments.PINS, "one", file)
    return file


def test_it_is_made_once(pins: Path) -> None:
    """A second call keeps what is there; changed pins make it anew."""
    first = made("one")
    assert first.packages == {}
    assert first.size_bytes > 0
    left = environments.FOLDER / "one" / "left"
    left.touch()
    made("one")
    assert left.exists()
    pins.write_text(f"{OFFLINE}# changed\n")
    made("one")
    assert not left.exists()


def test_what_is_not_to_be_had_is_told(pins: Path) -> None:
    """One line with pip's reason, and the environment does not count as made."""
    pins.write_text(f"{OFFLINE}no-such-package-anywhere==1\n")
    with pytest.raises(NotInstalledError, match=r"^No matching distribution found for no-such-package-anywhere==1"):
        made("one")
    assert not list((environments.FOLDER / "one").glob("*.installed"))


def test_every_peer_has_exact_pins() -> None:
    """Who has an environment has pins, each of one version, so that a run can be repeated."""
    assert {peer.name for peer in PEERS if peer.environment} == environments.PINS.keys()
    for file in (file for name, file in environments.PINS.items() if name != "lectern"):
        wanted = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
        assert wanted
        assert all("==" in line and "*" not in line for line in wanted)
