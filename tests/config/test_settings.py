"""Settings: what is read, and how wrong ones are told."""

from pathlib import Path

import pytest

from lectern.config import ConfigError, ServerSettings, Settings

ROOT = Path(__file__).parents[2]


def test_nothing_set_is_a_working_laptop() -> None:
    """Every setting has a default, and the defaults need no key and no account."""
    settings = Settings.load()
    assert settings.port == 7860
    assert not settings.has_llm
    assert settings.sqlalchemy_url == "sqlite:///data/lectern.sqlite3"


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message names each variable, what it held and what it wants."""
    monkeypatch.setenv("PORT", "seven")
    monkeypatch.setenv("OPENAI_BASE_URL", "api.example")
    monkeypatch.setenv("PASSAGES", "0")
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    message = str(caught.value)
    for part in ("PORT held 'seven'", "OPENAI_BASE_URL held 'api.example'", "PASSAGES held '0'", "it wants: "):
        assert part in message


@pytest.mark.parametrize(
    "url", ["q.example:443", "https://key@q.example", "https://q.example?key=1", "grpc://q.example"]
)
def test_only_a_rest_address_is_a_qdrant_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Neither another protocol nor an address that carries a key is taken; a port and a path are."""
    monkeypatch.setenv("QDRANT_URL", url)
    with pytest.raises(ConfigError, match="QDRANT_URL"):
        Settings.load()
    monkeypatch.setenv("QDRANT_URL", "https://q.example:443/behind")
    assert Settings.load().qdrant_url == "https://q.example:443/behind"


def test_an_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`.env` is honoured if it exists; a variable of the environment is stronger."""
    (tmp_path / ".env").write_text("PORT=1234\nOPENAI_MODEL=from-file\n")
    monkeypatch.setenv("PORT", "4321")
    settings = Settings.load()
    assert (settings.port, settings.openai_model) == (4321, "from-file")


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms set unset variables to an empty text; that means the default."""
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("PORT", "")
    settings = Settings.load()
    assert (settings.openai_api_key, settings.port) == (None, 7860)


def test_believing_every_proxy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `*` any caller could forge its address."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with pytest.raises(ConfigError, match="FORWARDED_ALLOW_IPS"):
        ServerSettings.load()


@pytest.mark.parametrize("name", ["port", "Port", "PORT"])
def test_the_case_of_a_name_does_not_matter(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name in small letters is the same setting, so nothing has to point it out."""
    monkeypatch.setenv(name, "4321")
    settings = Settings.load()
    assert settings.port == 4321
    assert settings.misspellings() == []


def test_an_env_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A file in another encoding ends the start with one message."""
    (tmp_path / ".env").write_bytes(b"SITE_NAME=\xff\xfe\n")
    for load in (Settings.load, Settings.load_for_serving, ServerSettings.load):
        with pytest.raises(ConfigError, match=r"\.env cannot be read \(it is no UTF-8 text\)"):
            load()


@pytest.mark.parametrize(
    "name",
    ["OPENAI_BASE_URL", "OPENAI_FALLBACK_BASE_URL", "COHERE_BASE_URL", "QDRANT_URL", "BETTER_AUTH_URL", "SITE_URL"],
)
def test_no_address_carries_a_login(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Addresses are shown in reports, so a key in one is refused, and the refusal does not repeat it."""
    for held in (
        "https://user:hunter2@host.example",
        "https://host.example?key=hunter2",
        "https://hunter2@host.example/v1",
    ):
        monkeypatch.setenv(name, held)
        with pytest.raises(ConfigError, match=f"{name} held .* wants: an address like") as caught:
            Settings.load()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "held",
    [
        "https://a.example/ , https://b.example,",
        "https://a.example\nhttps://b.example\n",
        '["https://a.example", "https://b.example"]',
        "'https://a.example','https://b.example'",
    ],
)
def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    """Commas or lines separate; spaces, quotes, brackets of JSON and a last slash do no harm."""
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", held)
    assert Settings.load().cors_allowed_origins == ("https://a.example", "https://b.example")
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "None")
    assert Settings.load().cors_allowed_origins == ()


@pytest.mark.parametrize("held", ["none", " None "])
def test_no_other_site_may_be_what_is_meant(monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    """`none` is a list without an entry, and counts as set."""
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", held)
    settings = Settings.load()
    assert settings.cors_allowed_origins == ()
    assert "CORS_ALLOWED_ORIGINS" not in [name for name, _ in settings.missing_for_production()]


def test_origins_have_one_form_and_wrong_ones_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are as browsers send them, each once; a list that lets strangers in stops the start."""
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://Bücher.example:443/,https://xn--bcher-kva.example")
    assert Settings.load().cors_allowed_origins == ("https://xn--bcher-kva.example",)
    monkeypatch.setenv("CORS_ALLOWED_ORIGINS", "https://a.example,*,https://*.github.io")
    with pytest.raises(ConfigError, match=r"'\*': every page .*'https://\*\.github\.io': anybody"):
        Settings.load()


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.internal", "10.0.0.1/8", "127.0.0.1,"])
def test_a_proxy_is_an_address_or_a_network(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """A mistyped one would silently be believed by nobody."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", wrong)
    with pytest.raises(ConfigError, match="FORWARDED_ALLOW_IPS"):
        ServerSettings.load()


def test_a_silence_is_never_longer_than_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies cut what is silent; the default leaves room for a beat that comes a little late."""
    assert Settings.load().heartbeat_seconds < 10
    monkeypatch.setenv("HEARTBEAT_SECONDS", "10.5")
    with pytest.raises(ConfigError, match="HEARTBEAT_SECONDS"):
        Settings.load()


def test_who_makes_vectors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is named: the model in the process; `none`: nobody; another name: the provider."""
    cases = {
        "": ("local", "all-MiniLM-L6-v2"),
        "none": ("none", None),
        "all-MiniLM-L6-v2": ("local", "all-MiniLM-L6-v2"),
    }
    for held, expected in (cases | {"text-embedding-3-small": ("openai", "text-embedding-3-small")}).items():
        monkeypatch.setenv("EMBEDDING_MODEL", held)
        settings = Settings.load()
        assert (settings.embedder, settings.embedding_name) == expected
    monkeypatch.setenv("EMBEDDING_MODEL_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"EMBEDDING_MODEL_PATH .* model\.safetensors"):
        Settings.load()
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).touch()
    assert Settings.load().embedding_model_path == tmp_path


def test_the_readme_lists_every_setting() -> None:
    """README's table holds each variable with its default, and none that does not exist."""
    rows = {}
    settings = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Settings\n")[2].partition("\n## ")[0]
    for line in settings.splitlines():
        if line.startswith("| `") and line.count("|") >= 4:
            name, default, *_ = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            rows[name] = default
    expected = {name.upper(): _shown(field.default) for name, field in Settings.model_fields.items()}
    assert {name: rows.get(name) for name in expected} == expected
    assert set(rows) == set(expected)


def _shown(default: object) -> str:
    """A default as the table shows it."""
    if default is None:
        return ""
    if isinstance(default, tuple):
        return ",".join(default)
    return f"{default:g}" if isinstance(default, float) else str(default)
