"""What anybody may ask: proofs, checkpoints, tiles."""

from __future__ import annotations

from tlog.http.checkpoints import DEFAULT_LIMIT, MAX_LIMIT, ORDERS
from tlog.http.openapi.words import BINARY, NUMBER, TEXT, Schema, answer_of, operation, path, query, ref


def proofs() -> Schema:
    """Return the paths of inclusion and consistency proofs."""
    published = "tree size; default: the published one"
    return {
        "/v1/proofs/inclusion": {
            "get": operation(
                "inclusionProof",
                "That a leaf is in a tree (RFC 6962 section 2.1.1)",
                {"200": answer_of("The proof", ref("InclusionProof"))},
                parameters=[
                    query("index", "index of the leaf, from 0", NUMBER, required=True),
                    query("size", published, NUMBER),
                ],
            )
        },
        "/v1/proofs/consistency": {
            "get": operation(
                "consistencyProof",
                "That a tree extends another (RFC 6962 section 2.1.2)",
                {"200": answer_of("The proof", ref("ConsistencyProof"))},
                parameters=[
                    query("from", "size of the smaller tree", NUMBER, required=True),
                    query("to", published, NUMBER),
                ],
            )
        },
    }


def checkpoints() -> Schema:
    """Return the paths of checkpoints."""
    limit = {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "/v1/checkpoints": {
            "get": operation(
                "checkpoints",
                "Every witnessed checkpoint, by size",
                {"200": answer_of("One page", ref("CheckpointPage"))},
                parameters=[
                    query("from", "size to begin at; default: the smallest, or the largest if descending", NUMBER),
                    query("limit", "checkpoints a page", limit),
                    query("order", "by size", {"enum": list(ORDERS), "default": ORDERS[0]}),
                ],
            )
        },
        "/checkpoint": {
            "get": operation(
                "checkpoint",
                "The published checkpoint as a signed note (c2sp.org/tlog-checkpoint)",
                {"200": answer_of("The note", TEXT, "text/plain")},
            )
        },
    }


def tiles() -> Schema:
    """Return the paths of tiles and entry bundles."""
    index = path("index", "`[xNNN/…]NNN[.p/width]` as in c2sp.org/tlog-tiles; its slashes are not encoded", TEXT)
    level = path("level", "tile level", {**NUMBER, "maximum": 63})
    found = {"200": answer_of("Its bytes", BINARY, "application/octet-stream")}
    return {
        "/tile/entries/{index}": {
            "get": operation("entryBundle", "An entry bundle, full or partial", found, parameters=[index])
        },
        "/tile/{level}/{index}": {
            "get": operation("tile", "A hash tile, full or partial", found, parameters=[level, index])
        },
    }
