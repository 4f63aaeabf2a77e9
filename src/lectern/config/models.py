"""Who answers, who makes vectors, who ranks."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from lectern.config.part import Key, SettingsPart, WebAddress

OPENAI = "https://api.openai.com/v1"
LOCAL_EMBEDDING_MODEL = "all-MiniLM-L6-v2"


class ModelSettings(SettingsPart):
    """The language models, the embedding model and the reranker."""

    openai_api_key: Key | None = Field(
        None, description="Key of the language model's API, required on a Space; unset, answers quote the best passages"
    )
    openai_base_url: WebAddress = Field(OPENAI, description="Any API that speaks OpenAI's chat completions")
    openai_model: str = Field("gpt-4o-mini", min_length=1, description="The chat model")
    openai_fallback_model: str | None = Field(
        None, description="A second chat model, asked when the first one cannot be; unset, passages are quoted"
    )
    openai_fallback_base_url: WebAddress | None = Field(
        None, description="Where the second model is; unset, where the first one is"
    )
    openai_fallback_api_key: Key | None = Field(
        None, description="Its key; unset, the first one's, if both are at one address"
    )
    embedding_model: str | None = Field(
        None,
        description="The embedding model of the same API; unset, all-MiniLM-L6-v2 in the process where its weights are;"
        " none for retrieval by words",
    )
    embedding_model_path: Path | None = Field(
        None,
        description="Folder of all-MiniLM-L6-v2's model.safetensors and tokenizer.json; unset, the Hugging Face cache,"
        " which ingest fills",
    )
    embedding_batch: int = Field(
        64, ge=1, le=2048, description="Texts in one embeddings request; an ingest hands over 64 at a time"
    )
    embedding_batch_tokens: int = Field(
        50_000, ge=100, le=300_000, description="Tokens in one embeddings request, by a rough estimate of 3 bytes each"
    )
    embedding_requests: int = Field(
        4, ge=1, le=64, description="Embeddings requests of an ingest at once; a provider's limit a minute decides"
    )
    cohere_api_key: Key | None = Field(None, description="Key of Cohere's API; unset, Cohere neither embeds nor ranks")
    cohere_base_url: WebAddress = Field("https://api.cohere.com", description="Cohere's API, without the version")
    cohere_embedding_model: str = Field(
        "embed-v4.0",
        min_length=1,
        description="Cohere's embedding model where EMBEDDING_MODEL is unset; none leaves embedding to the local one",
    )
    cohere_rerank_model: str = Field(
        "rerank-v3.5", min_length=1, description="Cohere's model that ranks what was found; none for no ranking"
    )
    max_answer_tokens: int = Field(1024, ge=16, le=100_000, description="Longest answer asked of the model, in tokens")
    study_model: str | None = Field(
        None,
        description="The chat model that translates and adapts chapters, at OPENAI_BASE_URL; unset, OPENAI_MODEL",
    )
    study_max_tokens: int = Field(
        4096,
        ge=256,
        le=100_000,
        description="Longest reply to one call for a chapter, in tokens; in another script a text can take"
        " several times the tokens of its original",
    )

    @field_validator("embedding_model_path")
    @classmethod
    def _with_weights(cls, value: Path | None) -> Path | None:
        if value is not None and not all((value / name).is_file() for name in ("model.safetensors", "tokenizer.json")):
            msg = "a folder that holds model.safetensors and tokenizer.json"
            raise ValueError(msg)
        return value

    @property
    def embedder(self) -> Literal["none", "local", "openai", "cohere"]:
        """Who makes vectors; `local` means the model in this process, if its weights are there."""
        if self.embedding_model == "none":
            return "none"
        if self.embedding_model is None:
            return "cohere" if self.cohere_api_key and self.cohere_embedding_model != "none" else "local"
        return "local" if self.embedding_model == LOCAL_EMBEDDING_MODEL else "openai"

    @property
    def embedding_name(self) -> str | None:
        """The name of the embedding model; None for retrieval by words."""
        names = {"local": LOCAL_EMBEDDING_MODEL, "openai": self.embedding_model, "cohere": self.cohere_embedding_model}
        return names.get(self.embedder)

    @property
    def provider_requests(self) -> int | None:
        """Embeddings requests of an ingest at once; None where no provider makes the vectors."""
        return self.embedding_requests if self.embedder in {"openai", "cohere"} else None

    @property
    def has_llm(self) -> bool:
        """Whether a language model is configured: a key, or a server of one's own that may need none."""
        return self.openai_api_key is not None or self.openai_base_url != OPENAI

    @property
    def chapter_model(self) -> str:
        """The name of the model that rewrites chapters."""
        return self.study_model or self.openai_model

    @property
    def has_fallback_llm(self) -> bool:
        """Whether a second language model is configured, for a first one that exists."""
        return self.has_llm and (self.openai_fallback_model or self.openai_fallback_base_url) is not None
