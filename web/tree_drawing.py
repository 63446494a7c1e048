"""Merkle proofs drawn as the way through the tree: only what a proof touches, whatever the size of the log. Pure.

The way runs from the root at the top to a leaf, or to the last subtree that two trees share. At each step the node
splits in two: one child is on the way, the other hangs beside it, to the left or to the right, and its hash is in the
proof. So a tree of ten million leaves is a picture of 24 rows, three columns wide.

    inclusion_ladder(5, 7)     root 0–6 → 4–6 (0–3 left) → 4–5 (6 right) → 5 (4 left)
    consistency_ladder(6, 7)   root 0–6 → 4–6 (0–3 left, in both trees) → 4–5, in both trees (6 right, new)

https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

Kind = Literal["root", "way", "leaf", "proof", "shared", "new"]
Column = Literal["left", "middle", "right"]

BOX_WIDTH: Final = 122
BOX_HEIGHT: Final = 36
ROW_HEIGHT: Final = 60
WIDTH: Final = 400
_LEFT: Final[dict[Column, int]] = {"left": 2, "middle": 139, "right": 276}


@dataclass(frozen=True, slots=True)
class Node:
    """The subtree over the leaves [start, end). `place` is where its hash stands in the proof, from 0."""

    start: int
    end: int
    kind: Kind
    row: int
    column: Column
    place: int | None = None

    @property
    def label(self) -> str:
        """Its leaves, the last included, without grouped digits: there is little room."""
        return f"{self.start}" if self.end == self.start + 1 else f"{self.start}–{self.end - 1}"

    @property
    def x(self) -> int:
        """The left edge of its box."""
        return _LEFT[self.column]

    @property
    def y(self) -> int:
        """The upper edge of its box."""
        return 2 + self.row * ROW_HEIGHT

    @property
    def centre(self) -> int:
        """The middle of its box, from the left."""
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from a parent's box to a child's."""

    x1: int
    y1: int
    x2: int
    y2: int
    on_way: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """The drawing: boxes from the top down, each sibling after the node on the way beside it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    height: int


def inclusion_ladder(index: int, size: int) -> Ladder:
    """Return the way from the root of `size` leaves to the leaf `index`. ValueError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return _ladder(
        _way(size, index, lambda start, end: end - start == 1), _InProof("leaf", lambda _: "proof", own=False)
    )


def consistency_ladder(old: int, new: int) -> Ladder:
    """Return the way along the right edge of a tree of `old` leaves in one of `new`.

    ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new} leaves")
    way = _way(new, old - 1, lambda _, end: end == old)
    return _ladder(way, _InProof("shared", lambda start: "new" if start >= old else "shared", own=way[-1][0] > 0))


@dataclass(frozen=True, slots=True)
class _InProof:
    """What a proof holds: the last node's kind and that of siblings, by their start; whether it has the last's hash."""

    last: Kind
    sibling: Callable[[int], Kind]
    own: bool


def _way(size: int, leaf: int, ends: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Return the subtrees from the root down toward a leaf, until one `ends` it."""
    start, end = 0, size
    way = [(start, end)]
    while not ends(start, end):
        split = start + (1 << (end - start - 1).bit_length() - 1)  # RFC 6962: the largest power of two below
        start, end = (start, split) if leaf < split else (split, end)
        way.append((start, end))
    return way


def _ladder(way: Sequence[tuple[int, int]], proof: _InProof) -> Ladder:
    """Draw a way. A proof's hashes go from the bottom up, after the last node's own where it has one."""
    depth = len(way) - 1
    between: list[Kind] = ["way"] * (depth - 1)
    kinds: list[Kind] = ["root", *between, proof.last] if depth else [proof.last]
    on_way = [
        Node(start, end, kind, row, "middle", 0 if proof.own and row == depth else None)
        for row, ((start, end), kind) in enumerate(zip(way, kinds, strict=True))
    ]
    nodes, edges = on_way[:1], []
    for parent, child in pairwise(on_way):
        beside = _sibling(parent, child, proof, depth - child.row + int(proof.own))
        nodes += [child, beside]
        edges += [_edge(parent, child, on_way=True), _edge(parent, beside, on_way=False)]
    return Ladder(tuple(nodes), tuple(edges), depth * ROW_HEIGHT + BOX_HEIGHT + 4)


def _sibling(parent: Node, child: Node, proof: _InProof, place: int) -> Node:
    if child.start == parent.start:  # the way goes left
        return Node(child.end, parent.end, proof.sibling(child.end), child.row, "right", place)
    return Node(parent.start, child.start, proof.sibling(parent.start), child.row, "left", place)


def _edge(parent: Node, child: Node, *, on_way: bool) -> Edge:
    return Edge(parent.centre, parent.y + BOX_HEIGHT, child.centre, child.y, on_way)
