# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a service's flat list with host ids to a tree with parents, depths and the place the VM stands on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ancestry import Row, build_tree
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import point

ROOT = "vm-guid"


def shape(points: tuple[Checkpoint, ...]) -> list[tuple[str, str | None, int, bool | None]]:
    return [(c.id, c.parent_id, c.depth, c.current) for c in points]


def test_parents_are_named_by_their_own_id_and_the_root_has_none() -> None:
    rows = [Row(point("a", "3h"), ROOT), Row(point("b", "2h"), "host-a"), Row(point("c", "1h"), "HOST-B")]
    grown, known = build_tree(rows, "HOST-C")
    assert shape(grown) == [("a", None, 1, False), ("b", "a", 2, False), ("c", "b", 3, True)]
    assert known


def test_dated_checkpoints_come_oldest_first() -> None:
    rows = [Row(point("new", "1h"), ROOT), Row(point("old", "9h"), ROOT), Row(point("mid", "5h"), ROOT)]
    assert [c.id for c in build_tree(rows, None)[0]] == ["old", "mid", "new"]


def test_where_one_time_is_unknown_the_service_s_own_order_stays() -> None:
    rows = [Row(point("new", "1h"), ROOT), Row(point("old", "9h"), ROOT), Row(point("who", None), ROOT)]
    assert [c.id for c in build_tree(rows, None)[0]] == ["new", "old", "who"]


def test_a_pointer_to_the_root_is_known_and_means_no_checkpoint() -> None:
    grown, known = build_tree([Row(point("a"), ROOT)], ROOT.upper())
    assert known
    assert [c.current for c in grown] == [False]


def test_a_pointer_that_leads_nowhere_leaves_current_open() -> None:
    for pointer in ("elsewhere", None, ""):
        grown, known = build_tree([Row(point("a"), ROOT), Row(point("b"), None)], pointer)
        assert not known
        assert [c.current for c in grown] == [None, None]


def test_without_checkpoints_there_is_nothing_to_be_unsure_of() -> None:
    assert build_tree([], None) == ((), True)
    assert build_tree([], "elsewhere") == ((), True)


def test_a_checkpoint_that_the_host_has_not_made_is_never_current() -> None:
    grown, _known = build_tree([Row(point("a"), ROOT), Row(point("b", host_id=None), "host-a")], "host-a")
    assert [(c.id, c.current) for c in grown] == [("a", True), ("b", False)]


@given(st.lists(st.integers(min_value=0, max_value=7), min_size=1, max_size=8))
def test_any_list_of_parents_ends_in_sane_depths(parents: list[int]) -> None:
    rows = [Row(point(str(i)), f"host-{parent}") for i, parent in enumerate(parents)]
    grown, _known = build_tree(rows, None)
    assert all(1 <= c.depth <= len(rows) for c in grown)
    assert all(c.depth == 1 for c in grown if c.parent_id is None)


def test_what_a_chain_of_parents_ends_at_is_known_in_any_case() -> None:
    placed, known = build_tree(
        [Row(point("a"), "UNLISTED"), Row(point("b"), "HOST-A"), Row(point("c"), None)], "unlisted"
    )
    assert {each.id: (each.root, each.parent_id, each.depth, each.current) for each in placed} == {
        "a": ("unlisted", None, 1, False),
        "b": (None, "a", 2, False),
        "c": (None, None, 1, False),
    }
    assert known
    assert not build_tree([Row(point("a"), "UNLISTED")], "elsewhere")[1]
    assert build_tree([Row(point("a"), "")], "HOST-a")[0][0].current


def test_host_ids_are_the_same_in_any_case_wherever_they_stand() -> None:
    rows = [Row(point("a", "3h", host_id="Host-A"), ROOT), Row(point("b", "2h", host_id="Host-B"), "hOST-a")]
    grown, known = build_tree(rows, "hOST-b")
    assert shape(grown) == [("a", None, 1, False), ("b", "a", 2, True)]
    assert known


def test_a_host_id_that_only_begins_like_the_current_one_is_another() -> None:
    rows = [Row(point("a", "3h", host_id="host-1"), ROOT), Row(point("b", "2h", host_id="host-12"), "host-1")]
    assert [each.current for each in build_tree(rows, "host-1")[0]] == [True, False]


@pytest.mark.parametrize("listed", ["abc", "cba", "bca"])
def test_of_the_same_time_the_parent_comes_first_and_then_the_id_decides(listed: str) -> None:
    rows = {"a": Row(point("a"), "host-b"), "b": Row(point("b"), ROOT), "c": Row(point("c"), "host-b")}
    assert [each.id for each in build_tree([rows[each] for each in listed], None)[0]] == ["b", "a", "c"]
