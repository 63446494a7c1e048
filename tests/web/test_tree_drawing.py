from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.merkle.prove import consistency_ranges
from web.tree_drawing import Ladder, consistency_ladder, inclusion_ladder


def in_proof(ladder: Ladder) -> list[tuple[int, int]]:
    """The ranges whose hashes the proof holds, in the proof's order."""
    found = {node.place: (node.start, node.end) for node in ladder.nodes if node.place is not None}
    assert sorted(found) == list(range(len(found)))
    return [found[place] for place in sorted(found)]


def naive_inclusion(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """PATH(m, D[n]) of RFC 6962 section 2.1.1, as ranges."""
    if end - start == 1:
        return []
    k = 1
    while k * 2 < end - start:
        k *= 2
    if index < start + k:
        return [*naive_inclusion(index, start, start + k), (start + k, end)]
    return [*naive_inclusion(index, start + k, end), (start, start + k)]


@given(st.integers(1, 10**7).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_an_inclusion_ladder_holds_the_hashes_of_the_proof_in_its_order(given_: tuple[int, int]) -> None:
    index, size = given_
    ladder = inclusion_ladder(index, size)
    assert in_proof(ladder) == naive_inclusion(index, 0, size)
    leaf = next(node for node in ladder.nodes if node.kind == "leaf")
    assert (leaf.start, leaf.end) == (index, index + 1)


@given(st.integers(1, 10**7).flatmap(lambda new: st.tuples(st.integers(1, new), st.just(new))))
def test_a_consistency_ladder_holds_the_hashes_of_the_proof_in_its_order(given_: tuple[int, int]) -> None:
    old, new = given_
    ladder = consistency_ladder(old, new)
    assert in_proof(ladder) == (consistency_ranges(old, new) if old < new else [])
    shared = sorted((node.start, node.end) for node in ladder.nodes if node.kind == "shared")
    assert shared[0][0] == 0
    assert shared[-1][1] == old
    assert all(left[1] == right[0] for left, right in pairwise(shared)), "they cover the old tree"
    assert all(node.start >= old for node in ladder.nodes if node.kind == "new")


def test_ten_million_leaves_are_a_picture_of_a_few_rows() -> None:
    ladder = inclusion_ladder(6_543_210, 10_000_000)
    assert max(node.row for node in ladder.nodes) <= 24
    assert len(ladder.nodes) <= 49
    assert ladder.height < 1600


def test_boxes_do_not_overlap() -> None:
    places = [(node.x, node.y) for node in consistency_ladder(6_543_210, 10_000_000).nodes]
    assert len(set(places)) == len(places)


def test_a_tree_of_one_leaf_is_one_box() -> None:
    assert [(node.kind, node.label) for node in inclusion_ladder(0, 1).nodes] == [("leaf", "0")]
    assert [(node.kind, node.label) for node in consistency_ladder(7, 7).nodes] == [("shared", "0–6")]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 2)])
def test_there_is_no_way_to_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_ladder(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_proof_between_these_sizes(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no proof"):
        consistency_ladder(old, new)
