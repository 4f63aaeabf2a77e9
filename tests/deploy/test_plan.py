"""What changes on the Hub, from what is there and what is wanted."""

import pytest

from lectern.deploy.errors import DeployError
from lectern.deploy.fingerprint import describe, is_of
from lectern.deploy.plan import MANIFEST, Plan, RemoteFile, Space, Wanted, make_plan, read_manifest
from lectern.deploy.tree import LocalFile

PAGE = LocalFile("content/page.md", b"# Page\n")
CODE = LocalFile("src/lectern/__init__.py", b"")


def wanted(*files: LocalFile, replaces_content: bool = True, **more: dict[str, str]) -> Wanted:
    """A public Space with these files."""
    variables, secrets = more.get("variables", {}), more.get("secrets", {})
    return Wanted("ada/answers", False, files, replaces_content, variables, secrets)


def after(plan: Plan, before: Space | None = None, **changed: object) -> Space:
    """The Space that a plan leaves behind."""
    files = dict(before.files if before else {}) | {file.path: RemoteFile(file.git_oid) for file in plan.uploads}
    for path in plan.deletes:
        del files[path]
    manifest = next((read_manifest(file.data.decode()) for file in plan.uploads if file.path == MANIFEST), None)
    if manifest is None and before is not None:
        manifest = before.manifest
    values = {"files": files, "manifest": manifest, "variables": {}, "secrets": {}} | changed
    return Space(id="ada/answers", sdk="docker", private=False, host="https://h", head="0" * 40, **values)  # type: ignore[arg-type] # as named


def test_a_plan_that_was_carried_out_leaves_nothing_to_do() -> None:
    """Planning again from what the first plan made pushes, deletes and sets nothing."""
    asked = wanted(CODE, PAGE, variables={"SITE_NAME": "docs"}, secrets={"ADMIN_TOKEN": "a-token"})
    first = make_plan(asked, None)
    assert first.creates
    there = after(first, variables={"SITE_NAME": "docs"}, secrets={"ADMIN_TOKEN": describe("a-token")})

    again = make_plan(asked, there)

    assert (again.pushes, again.configures, again.creates) == (False, False, False)
    assert again.unchanged == 3


def test_the_manifest_remembers_pages_that_this_run_leaves_alone() -> None:
    """A page that a run without pages kept is still deleted by a later run that has others."""
    there = after(make_plan(wanted(CODE, PAGE), None))
    kept = make_plan(wanted(CODE, replaces_content=False), there)
    assert not kept.pushes

    other = LocalFile("content/other.md", b"# Other\n")
    replaced = make_plan(wanted(CODE, other), after(kept, there))
    assert replaced.deletes == ("content/page.md",)


def test_a_file_already_gone_is_not_deleted_again() -> None:
    """The Hub refuses a commit that deletes what is not there; the plan looks first."""
    there = after(make_plan(wanted(CODE, PAGE), None))
    files = {path: file for path, file in there.files.items() if path != PAGE.path}
    plan = make_plan(wanted(CODE), after(make_plan(wanted(CODE, PAGE), None), files=files))
    assert plan.deletes == ()


def test_large_files_are_compared_by_their_sha256() -> None:
    """Git's name of a large file is that of its pointer, which tells nothing of its bytes."""
    assert RemoteFile("1" * 40, PAGE.sha256).holds(PAGE)
    assert not RemoteFile(PAGE.git_oid, "0" * 64).holds(PAGE)


def test_a_variable_that_is_a_secret_there_is_refused() -> None:
    """A Space with one name in both places does not start."""
    there = after(make_plan(wanted(CODE), None), secrets={"SITE_URL": None})
    with pytest.raises(DeployError, match="SITE_URL: a secret"):
        make_plan(wanted(CODE, variables={"SITE_URL": "https://a.example"}), there)


def test_a_fingerprint_is_of_one_value_and_never_twice_the_same() -> None:
    """It knows its value, no other one, and tells nothing of two that are equal."""
    first, second = describe("postgresql://u:p@h/d"), describe("postgresql://u:p@h/d")
    assert first != second
    assert is_of(first, "postgresql://u:p@h/d")
    assert not any(is_of(first, f"postgresql://u:{guess}@h/d") for guess in ("q", "pp", ""))
    assert not any(is_of(text, "x") for text in (None, "", "Set by me", "set by lectern deploy; mark 00:00"))


def test_a_wanted_state_does_not_show_its_secrets() -> None:
    """Whatever prints it, the values stay out."""
    assert "p4ssw0rd" not in repr(wanted(CODE, secrets={"DATABASE_URL": "p4ssw0rd"}))
