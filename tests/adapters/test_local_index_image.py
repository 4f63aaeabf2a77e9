"""An index that an image brings: read in place, never written, and the base of the first update."""

import errno
import os
import shutil
from pathlib import Path

import anyio
import pytest
from tests.sample_pages import page, section, small_site

from lectern.adapters.local_index import IndexFiles, LocalIndex
from lectern.adapters.local_index.matrix import FILE
from lectern.adapters.local_index.schema import DATABASE

Record = dict[str, tuple[int, int, int, int, bytes]]


async def build(folder: Path) -> None:
    """An index of the small site, with vectors."""
    index = LocalIndex(folder)
    async with index.update("bakery") as update:
        await update.put(small_site())
    async with index.update("bakery") as update:
        keys = [key for key, _ in await update.unembedded("letters")]
        await update.put_vectors({key: (1.0, float(row)) for row, key in enumerate(keys)}, "letters")
    await index.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What the image brings, as a build leaves it."""
    built = tmp_path / "built"
    anyio.run(build, built)
    (built / "LOCK").unlink()
    folder = tmp_path / "image"
    shutil.copytree(built, folder)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def record(folder: Path) -> Record:
    """Whatever a write, a link or a new file would change, of every entry."""
    entries = (folder, *sorted(folder.rglob("*")))
    return {
        str(entry): (
            (status := entry.stat()).st_ino,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_nlink,
            entry.read_bytes() if entry.is_file() else b"",
        )
        for entry in entries
    }


async def test_it_is_searched_in_place(image: Path, tmp_path: Path) -> None:
    """By words and by vectors, with nothing written beside it or into a data folder that need not exist."""
    before = record(image)
    index = LocalIndex(tmp_path / "none", image=image, model="letters")
    await index.warm()
    assert (await index.search("flour")).passages
    assert (await index.search("xyzzy", vector=(1.0, 0.0))).passages
    assert await index.sites() == {"bakery": len(small_site())}
    await index.close()
    assert record(image) == before
    assert not (tmp_path / "none").exists()


async def test_the_first_update_starts_from_it(image: Path, tmp_path: Path) -> None:
    """What it held is held by the new generation, vectors too; the image stays as it is, byte, time and link."""
    before = record(image)
    own = tmp_path / "own"
    index = LocalIndex(own, image=image, model="letters")
    async with index.update("bakery") as update:
        assert set(update.digests) == {document.path for document in small_site()}
        await update.put([page("new.md", "New", section("All about marzipan."))])
    assert (await index.search("marzipan")).passages
    assert (await index.search("flour")).passages
    assert (await index.search("xyzzy", vector=(1.0, 0.0))).passages
    async with index.update("bakery") as update:
        await update.remove(["new.md"])
    assert not (await index.search("marzipan")).passages
    assert record(image) == before
    # Numbers go on from the image's, so that a name means one generation.
    assert (own / "CURRENT").read_text().strip() == "generation-00000004"


async def test_an_update_that_changes_nothing_leaves_it_in_use(image: Path, tmp_path: Path) -> None:
    """No copy is made of what is already right."""
    index = LocalIndex(tmp_path / "own", image=image)
    async with index.update("bakery") as update:
        await update.put(small_site())
    assert [entry.name for entry in (tmp_path / "own").iterdir()] == ["LOCK"]
    assert (await index.search("flour")).passages


async def test_what_a_killed_update_left_goes_and_the_image_stays(image: Path, tmp_path: Path) -> None:
    """A generation that was renamed and never pointed to is cleared away, whatever number the image's has."""
    own = tmp_path / "own"
    (own / "generation-00000001").mkdir(parents=True)
    (own / "generation-00000001" / DATABASE).write_bytes(b"half")
    before = record(image)
    index = LocalIndex(own, image=image)
    async with index.update("bakery"):
        pass
    assert not (own / "generation-00000001").exists()
    assert record(image) == before


async def test_a_file_system_without_links_copies_the_vectors(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors that an update does not change are there afterwards also where hard links are refused."""
    own = tmp_path / "own"
    index = LocalIndex(own, image=image, model="letters")
    async with index.update("bakery") as update:
        await update.remove([small_site()[0].path])

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    async with index.update("bakery") as update:
        await update.put(small_site()[:1])
    current = own / (own / "CURRENT").read_text().strip()
    assert (current / FILE).stat().st_nlink == 1
    assert (await index.search("xyzzy", vector=(1.0, 0.0))).passages


async def test_the_content_it_was_made_from_is_known(image: Path, tmp_path: Path) -> None:
    """A build's note travels with the image, and holds for that generation only."""
    for path in (image, image / "CURRENT"):
        path.chmod(0o755)
    IndexFiles(image).note_content("0123")
    own = IndexFiles(tmp_path / "own", image)
    assert own.content() == "0123"
    async with LocalIndex(tmp_path / "own", image=image).update("bakery") as update:
        await update.remove([small_site()[0].path])
    assert own.content() is None
    own.note_content("4567")
    assert (own.content(), IndexFiles(image).content()) == ("4567", "0123")
