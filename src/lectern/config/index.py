"""Where the site's pages come from, and where they are searched."""

from pathlib import Path
from urllib.parse import quote

from pydantic import Field, SecretStr

from lectern.config.part import SettingsPart


def own_pages(site: str) -> str:
    """Where Lectern itself shows a site that is not published anywhere."""
    return f"/pages/{quote(site, safe='')}"


class IndexSettings(SettingsPart):
    """The pages, the local index and Qdrant."""

    data_dir: Path = Field(Path("data"), description="Folder for the index and the SQLite file")
    image_index_dir: Path = Field(
        Path("index"), description="Folder of the index that an image brings; read until DATA_DIR has one of its own"
    )
    content_dir: Path = Field(
        Path("content"), description="Folder of your site's Markdown; a start indexes what changed in it, if it exists"
    )
    site_name: str = Field("docs", min_length=1, max_length=100, description="Name of the site made from CONTENT_DIR")
    site_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Where that site is published, as https://docs.example.org; unset, Lectern shows its pages",
    )
    qdrant_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Qdrant's REST address; without a port it means 6333, so write :443 where only that is let out. "
        "Unset, the index is local",
    )
    qdrant_api_key: SecretStr | None = Field(None, description="Qdrant's key, one that may write when it ingests")
    qdrant_collection: str = Field(
        "lectern",
        pattern=r"^[A-Za-z0-9_.-]{1,200}$",
        description="Alias that readers ask; the collections behind it are named after it",
    )

    @property
    def index_dir(self) -> Path:
        """Folder of the local index."""
        return self.data_dir / "index"

    @property
    def site_base(self) -> str:
        """Where the pages of CONTENT_DIR are read: where they are published, or at Lectern itself."""
        return self.site_url or own_pages(self.site_name)
