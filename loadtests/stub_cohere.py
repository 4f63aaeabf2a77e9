"""The bodies of the stub's answers in Cohere's shapes (https://docs.cohere.com/reference/embed and /rerank, version 2).

Faults are asked for in the model's name, as everywhere (`loadtests.stub_model`); `nan`, `zero`, `uneven` and `short`
mean the vectors of an embedding, or the scores of a ranking.
"""

import json
import re
from typing import Any

from loadtests.stub_answers import spoil, vector
from loadtests.stub_model import Behaviour

_WORD = re.compile(r"\w+")


def embed_body(request: dict[str, Any], behaviour: Behaviour) -> bytes:
    """One vector a text, near for texts that share words; a query's is turned a little from the document's."""
    vectors = [vector(str(text), behaviour.dimensions) for text in request.get("texts") or []]
    if request.get("input_type") == "search_query":
        vectors = [[value * (1 + place % 2) for place, value in enumerate(row)] for row in vectors]
    spoil(vectors, behaviour)
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": len(vectors)}}
    return json.dumps({"id": "stub", "embeddings": {"float": vectors}, "texts": [], "meta": meta}).encode()


def rerank_body(request: dict[str, Any], behaviour: Behaviour) -> bytes:
    """Documents by their share of the query's words, best first."""
    wanted = set(_WORD.findall(str(request.get("query")).lower()))
    documents = [set(_WORD.findall(str(document).lower())) for document in request.get("documents") or []]
    results = [
        {"index": index, "relevance_score": round(len(wanted & words) / max(1, len(wanted)), 6)}
        for index, words in enumerate(documents)
    ]
    results.sort(key=lambda result: (-result["relevance_score"], result["index"]))
    if "nan" in behaviour.flags:
        results[0]["relevance_score"] = float("nan")
    if "uneven" in behaviour.flags:
        results[0]["index"] = len(documents)
    if "short" in behaviour.flags:
        results.pop()
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return json.dumps({"id": "stub", "results": results, "meta": meta}).encode()
