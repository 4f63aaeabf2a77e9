"""From Qdrant's JSON to the engine's objects and back."""

from typing import Any

import qdrant_edge as edge

SCHEMAS = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "bool": edge.PayloadSchemaType.Bool,
}
Body = dict[str, Any]


def vector_in(vector: Any) -> Any:
    """A vector for the engine."""
    return edge.SparseVector(vector["indices"], vector["values"]) if isinstance(vector, dict) else vector


def vectors_in(vectors: Body) -> Any:
    """Named vectors for the engine."""
    return {name: vector_in(vector) for name, vector in vectors.items()}


def vectors_out(vectors: Any) -> Any:
    """Named vectors from the engine."""
    if not isinstance(vectors, dict):
        return {}
    return {
        name: {"indices": vector.indices, "values": vector.values} if isinstance(vector, edge.SparseVector) else vector
        for name, vector in vectors.items()
    }


def payload_in(wanted: Any) -> Any:
    """Which fields to hand back."""
    return edge.PayloadSelector.Include(wanted) if isinstance(wanted, list) else bool(wanted)


def filter_in(body: Body) -> edge.Filter:
    """A filter for the engine."""
    clauses: Body = {name: [condition_in(part) for part in listed(body[name])] for name in body if body[name]}
    return edge.Filter(**clauses)


def condition_in(body: Body) -> Any:
    """One condition for the engine."""
    if "has_id" in body:
        return edge.HasIdCondition(set(body["has_id"]))
    if "key" not in body:
        return filter_in(body)
    if body.get("range"):
        return edge.FieldCondition(body["key"], range=edge.RangeFloat(**body["range"]))
    match = body["match"]
    found = edge.MatchAny(match["any"]) if "any" in match else edge.MatchValue(match["value"])
    return edge.FieldCondition(body["key"], match=found)


def listed(value: Any) -> list[Any]:
    """One or several."""
    return value if isinstance(value, list) else [value]
