"""The Space's card: README's front matter, as the Hub reads it."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import SpaceCard

from lectern.config import Settings

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
# https://huggingface.co/docs/hub/spaces-config-reference, and `license`, which every card may have.
KNOWN = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "app_port", "base_path", "fullWidth", "header", "models"),
    *("datasets", "tags", "thumbnail", "pinned", "short_description", "startup_duration_timeout", "license"),
    *("suggested_hardware", "disable_embedding", "custom_headers", "preload_from_hub", "hf_oauth"),
}


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    """The front matter, by the Hub's own parser."""
    data: dict[str, Any] = SpaceCard.load(Path(__file__).parents[1] / "README.md").data.to_dict()
    return data


def test_the_card_makes_a_docker_space(card: dict[str, Any]) -> None:
    """The Hub builds the Dockerfile, and finds the server where it listens when nothing is set."""
    assert card["sdk"] == "docker"
    assert card["app_port"] == Settings.model_fields["port"].default


def test_the_card_has_no_key_that_the_hub_ignores(card: dict[str, Any]) -> None:
    """A misspelt key would do nothing, silently."""
    assert set(card) <= KNOWN


def test_the_card_fits_its_limits(card: dict[str, Any]) -> None:
    """What the Hub refuses or cuts: unknown colours, a description of more than 60 characters, a missing licence."""
    assert {card["colorFrom"], card["colorTo"]} <= COLOURS
    assert 0 < len(card["short_description"]) <= 60
    assert card["license"] == "apache-2.0"
    assert card["tags"]
    assert 1 <= len(card["emoji"]) <= 2


def test_a_start_that_fails_is_told_before_half_an_hour(card: dict[str, Any]) -> None:
    """The Hub's default would leave a wrong start unexplained for 30 minutes; a start takes seconds."""
    assert card["startup_duration_timeout"] == "10m"


def test_the_local_model_is_there_when_the_space_starts(card: dict[str, Any]) -> None:
    """The Hub loads the weights when it builds, so that a start never fetches them: exactly the files that are read."""
    [preloaded] = card["preload_from_hub"]
    repository, files, *_ = preloaded.split(" ")
    assert repository == "sentence-transformers/all-MiniLM-L6-v2"
    assert set(files.split(",")) == {"model.safetensors", "tokenizer.json"}
