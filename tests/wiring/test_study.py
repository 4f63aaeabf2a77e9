"""Settings → the study API: languages and glossary, read once at the start."""

from pathlib import Path

import pytest
from tests.scripted import FixedIndex, ScriptedLLM, hits

from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.config import ConfigError, Settings
from lectern.ports import Ports
from lectern.study.desk import StudyDesk
from lectern.wiring.study import build_study_desk


@pytest.fixture
def ports(store: SqlStore) -> Ports:
    """Ports with a model for chapters."""
    return Ports(store, FixedIndex(hits()), QuotingLLM(), study_llm=ScriptedLLM("x"))


def build(ports: Ports, folder: Path, **changed: object) -> StudyDesk:
    """The desk of these settings, with the pages' folder in the test's."""
    given = {"data_dir": folder, "content_dir": folder / "content", **changed}
    settings = Settings(_env_file=None, **given)  # type: ignore[arg-type]  # checked by the settings
    return build_study_desk(settings, ports, None)


async def test_a_glossary_beside_the_pages_is_read(ports: Ports, tmp_path: Path) -> None:
    """Its terms are not for the model, and come back as they are wanted in a language."""
    (tmp_path / "content").mkdir()
    glossary = "term,ur\nROS,\nnode,\u0646\u0648\u0688\n"
    (tmp_path / "content" / "glossary.csv").write_text(glossary, encoding="utf-8-sig")
    desk = build(ports, tmp_path)
    for language, text in (("ur", "A \u0646\u0648\u0688 of ROS."), ("fr", "A node of ROS.")):
        (cut,) = await desk.cut(["A node of ROS."], language=desk.languages.asked_for(language))
        (segment,) = cut.segments
        assert "ROS" not in segment.text
        assert "node" not in segment.text
        assert cut.restored(0, segment.text) == text


async def test_no_glossary_is_no_fault(ports: Ports, tmp_path: Path) -> None:
    """Most sites have none."""
    (cut,) = await build(ports, tmp_path).cut(["A node."])
    assert cut.segments[0].text == "A node."


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "which is not there"),
        (b"term,ur\nROS,\nROS,\n", "line 3"),
        (b"word\nROS\n", "line 1"),
        (b"term\n\xff\xfe\n", "UTF-8"),
    ],
    ids=["missing", "twice", "no header", "not text"],
)
async def test_a_wrong_glossary_stops_the_start(ports: Ports, tmp_path: Path, content: bytes | None, told: str) -> None:
    """The message names the file, and the line where there is one."""
    path = tmp_path / "terms.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as refusal:
        build(ports, tmp_path, glossary=path)
    assert "terms.csv" in str(refusal.value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("site_language", "Klingon"), ("default_language", "xx"), ("translation_languages", "ur,nowhere")],
)
async def test_a_language_that_is_none_stops_the_start(ports: Ports, tmp_path: Path, setting: str, value: str) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigError, match=setting.upper()):
        build(ports, tmp_path, **{setting: value})


async def test_languages_are_read_by_code_and_name(ports: Ports, tmp_path: Path) -> None:
    """Comma-separated, in any form that names one."""
    languages = build(ports, tmp_path, translation_languages="Urdu, pt-BR ,\nzh", site_language="english").languages
    assert [language.code for language in languages.offered] == ["ur", "pt", "zh-Hans"]
    assert languages.site.code == "en"
