# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""state: absent: every match that is meant goes, whoever made it; one must be chosen where several match."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    InvalidInput,
    MissingCheckpoint,
    UnknownTime,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import name_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    absent,
    chain,
    hidden,
    mark,
    ours,
    planned,
    point,
    steps,
)


@pytest.mark.parametrize(
    "existing",
    [
        point("a"),
        ours("a"),
        ours("a", mark=mark("a", pin=True, until=NOW)),
        point("a", usability="unusable"),
        point("a", usability="unknown"),
        point("a", None),
    ],
)
def test_a_match_goes_managed_or_not_usable_or_not(existing: Checkpoint) -> None:
    made = planned(absent(), existing, point("other", name="weekly"))
    assert steps(made) == ["delete a"]
    assert made.writes[0].reason == "state is absent"


def test_a_name_that_one_without_an_id_bears_cannot_be_made_absent() -> None:
    for points in ((hidden(),), (point("a"), hidden())):
        with pytest.raises(VmState, match='checkpoint "nightly" is shown without an id') as refused:
            planned(absent(on_ambiguous="all"), *points)
        assert "Run the task again once" in refused.value.remedy
    assert steps(planned(absent(), point("a"), hidden(name="weekly"))) == ["delete a"]
    assert steps(planned(absent(checkpoint_id="a"), point("a"), hidden())) == ["delete a"]
    assert steps(planned(absent(checkpoint_id=GONE), hidden())) == []


def test_select_leaves_one_without_an_id_and_says_so() -> None:
    made = planned(absent(select={"name_matches": "night.*"}), point("a"), hidden(), point("c", name="weekly"))
    assert steps(made) == ["delete a"]
    assert made.warnings == (
        'checkpoint "nightly" is shown without an id, so that nothing can remove it yet; it stays.',
    )


def test_what_was_made_under_the_name_and_has_another_one_stays_and_is_told() -> None:
    renamed = ours("a", name="do not touch", mark=mark("a", name=name_hash("nightly")))
    text = (
        'checkpoint "do not touch" (a) was made as "nightly", as its mark says, and has another name now: it stays. '
        "Remove it by checkpoint_id if it is meant."
    )
    made = planned(absent(), renamed, point("b"))
    assert (steps(made), made.warnings) == (["delete b"], (text,))
    assert planned(absent(name="do not touch"), renamed).warnings == ()
    assert planned(absent(checkpoint_id="a"), renamed).warnings == ()
    assert planned(absent(), replace(renamed, name="NIGHTLY")).warnings == ()


GONE = "0fa1c3a2-0000-4000-8000-0000000000aa"


def test_what_does_not_exist_is_absent_already() -> None:
    assert steps(planned(absent())) == []
    assert steps(planned(absent(), point("a", name="Nightly"))) == []
    assert steps(planned(absent(checkpoint_id=GONE), point("a"))) == []


@pytest.mark.parametrize(
    ("on_ambiguous", "expected"),
    [
        ("newest", ["delete new"]),
        ("oldest", ["delete old"]),
        ("all", ["delete old", "delete middle", "delete new"]),
    ],
)
def test_of_several_those_go_that_the_user_says_oldest_first(on_ambiguous: str, expected: list[str]) -> None:
    points = (point("new", "1h"), point("old", "9h"), point("middle", "5h"))
    assert steps(planned(absent(on_ambiguous=on_ambiguous), *points)) == expected


def test_when_the_user_does_not_say_nothing_goes() -> None:
    with pytest.raises(Ambiguous) as caught:
        planned(absent(), point("a", "9h"), point("b", "1h"))
    assert caught.value.code == "ambiguous"


@pytest.mark.parametrize("on_ambiguous", ["newest", "oldest"])
def test_newest_and_oldest_need_an_order(on_ambiguous: str) -> None:
    with pytest.raises(UnknownTime):
        planned(absent(on_ambiguous=on_ambiguous), point("a", None), point("b", "1h"))


def test_all_needs_none_undated_ones_go_first_those_below_before_those_above() -> None:
    points = chain(point("a", None), point("b", None))
    assert steps(planned(absent(on_ambiguous="all"), point("c", "9h"), *reversed(points))) == [
        "delete a",
        "delete b",
        "delete c",
    ]


@pytest.mark.parametrize("wanted", ["a", "A", "host-a", "HOST-A"])
def test_by_id_or_host_id_in_any_case(wanted: str) -> None:
    assert steps(planned(absent(checkpoint_id=wanted), point("a"), point("b"))) == ["delete a"]


@pytest.mark.parametrize(
    "given", ["gone", f"{{{GONE}}}", GONE.replace("-", ""), f"{GONE}/", f"/subscriptions/{GONE}", "null"]
)
def test_what_has_no_id_s_form_is_refused_and_not_absent(given: str) -> None:
    with pytest.raises(InvalidInput, match="is no id of a checkpoint on"):
        planned(absent(checkpoint_id=given), point("a"))


def test_an_id_of_another_name_is_a_contradiction_not_absence() -> None:
    with pytest.raises(MissingCheckpoint, match='is named "nightly", not "weekly"'):
        planned(absent(checkpoint_id="a", name="weekly"), point("a"))
    assert steps(planned(absent(checkpoint_id=GONE, name="weekly"), point("a"))) == []
    assert steps(planned(absent(checkpoint_id="a", name="nightly"), point("a"), point("b"))) == ["delete a"]
