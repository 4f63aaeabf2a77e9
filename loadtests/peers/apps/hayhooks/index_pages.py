"""Pages → a file with the documents of an in-memory store, so that a start of hayhooks finds them ready.

    python index_pages.py FOLDER FILE       # the provider from OPENAI_BASE_URL, the embedding model from PEER_EMBEDDING

Run by the Python of hayhooks' own environment.
"""

import os
import sys
from pathlib import Path

from haystack import Document
from haystack.components.embedders import OpenAIDocumentEmbedder
from haystack.components.preprocessors import DocumentSplitter
from haystack.document_stores.in_memory import InMemoryDocumentStore


def main(folder: Path, out: Path) -> None:
    """Split every Markdown page into passages of about 150 words, embed them, and save the store."""
    pages = [Document(content=page.read_text(encoding="utf-8")) for page in sorted(folder.rglob("*.md"))]
    passages = DocumentSplitter(split_by="word", split_length=150, split_overlap=20).run(documents=pages)["documents"]
    embedder = OpenAIDocumentEmbedder(model=os.environ["PEER_EMBEDDING"], progress_bar=False)
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    store.write_documents(embedder.run(documents=passages)["documents"])
    store.save_to_disk(str(out))
    print(f"{store.count_documents()} passages of {len(pages)} pages")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
