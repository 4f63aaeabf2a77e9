"""What hayhooks serves as the model `pages`: an embedding call, a search, a prompt with numbered passages, an answer.

The model is PEER_MODEL, the embedding model PEER_EMBEDDING, the store the file PEER_PASSAGES. It is written as
hayhooks' guide to production asks for: asynchronous, streaming, everything heavy in `setup`.
"""

import os
from collections.abc import AsyncGenerator
from typing import Any

from hayhooks import BasePipelineWrapper, async_streaming_generator, get_last_user_message
from haystack import Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore

_PROMPT = """{% for passage in documents %}[{{ loop.index }}] {{ passage.content }}
{% endfor %}
Question: {{ question }}"""


class PipelineWrapper(BasePipelineWrapper):  # type: ignore[misc] # hayhooks lives in an environment of its own
    """A retrieval pipeline over pages in memory."""

    def setup(self) -> None:
        """Load the passages and connect the parts."""
        store = InMemoryDocumentStore.load_from_disk(os.environ["PEER_PASSAGES"])
        pipeline = Pipeline()
        pipeline.add_component("embed", OpenAITextEmbedder(model=os.environ["PEER_EMBEDDING"]))
        pipeline.add_component("search", InMemoryEmbeddingRetriever(document_store=store, top_k=5))
        template = [ChatMessage.from_system("Answer from the passages."), ChatMessage.from_user(_PROMPT)]
        pipeline.add_component("prompt", ChatPromptBuilder(template=template, required_variables="*"))
        pipeline.add_component("answer", OpenAIChatGenerator(model=os.environ["PEER_MODEL"]))
        pipeline.connect("embed.embedding", "search.query_embedding")
        pipeline.connect("search.documents", "prompt.documents")
        pipeline.connect("prompt.prompt", "answer.messages")
        self.pipeline = pipeline

    async def run_chat_completion_async(
        self, model: str, messages: list[dict[str, Any]], body: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Answer the last question, token by token."""
        del model, body
        question = get_last_user_message(messages)
        run = {"embed": {"text": question}, "prompt": {"question": question}}
        stream: AsyncGenerator[Any, None] = async_streaming_generator(pipeline=self.pipeline, pipeline_run_args=run)
        return stream
