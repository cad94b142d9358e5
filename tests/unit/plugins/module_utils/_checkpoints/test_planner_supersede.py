# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""supersede: older ones of the series go once a newer one hangs; our own only, never a pinned one."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.planner import decisive_checkpoints
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    TIMELESS,
    absent,
    chain,
    having,
    hidden,
    mark,
    ours,
    planned,
    point,
    present,
    steps,
)

Points = tuple[Checkpoint, ...]
SUPERSEDE = present(supersede=True)


@pytest.mark.parametrize(
    ("name", "points", "expected"),
    [
        ("nothing is older", (ours("a1", "1h"),), []),
        ("the older ones go", (ours("a1", "1h"), ours("b2", "5h"), ours("c3", "9h")), ["delete c3", "delete b2"]),
        ("unmanaged stays", (ours("a1", "1h"), point("b2", "5h")), []),
        ("pinned stays", (ours("a1", "1h"), ours("b2", "5h", mark=mark("b2", pin=True))), []),
        ("another series stays", (ours("a1", "1h"), ours("b2", "5h", name="weekly")), []),
        ("what is shown without an id stays", (ours("a1", "1h"), hidden(mark=mark("b2", "5h"))), []),
        ("a twin of the same second stays", (ours("a1", "1h"), ours("b2", "1h")), []),
        ("unusable older goes", (ours("a1", "1h"), ours("b2", "5h", usability="unusable")), ["delete b2"]),
        ("somebody else's is newer", (point("a1", "1h"), ours("b2", "5h")), ["delete b2"]),
        ("the newest may be unusable yet", (ours("a1", "1h", usability="unknown"),), []),
        (
            "what may be unusable supersedes nothing",
            (ours("a1", "1h", usability="unknown"), ours("b2", "5h", usability="unknown")),
            [],
        ),
        ("a newer one that may be unusable stays", (ours("a1", "1h", usability="unknown"), ours("b2", "5h")), []),
    ],
)
def test_what_goes_when_a_newer_one_exists(name: str, points: Points, expected: list[str]) -> None:
    assert steps(planned(SUPERSEDE, *points)) == expected, name


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (SUPERSEDE, ["a1", "f6", "b2", "d4"]),
        (present(max_age="2h"), ["a1", "f6"]),
        (present(max_age="2h", supersede=True), ["a1", "f6"]),
        (present(), []),
        (absent(), []),
    ],
)
def test_what_must_be_whole(spec: Spec, expected: list[str]) -> None:
    """Newest first; what this run has made is young enough, and what is unusable is out."""
    points = (
        *(
            ours("d4", "9h"),
            ours("b2", "5h"),
            ours("a1", "1h", usability="unknown"),
            ours("c3", "1h", usability="unusable"),
        ),
        *(ours("f6", "3h"), ours("e5", "1h", name="weekly")),
    )
    found = decisive_checkpoints(spec, having(*points), CheckpointProgress(made=frozenset({"f60000000000"})))
    assert [c.id for c in found] == expected


def test_without_supersede_nothing_goes() -> None:
    assert steps(planned(present(), ours("a1", "1h"), ours("b2", "5h"))) == []
    assert steps(planned(present(max_age="30m"), ours("a1", "1h"), ours("b2", "5h"))) == ["create nightly"]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((ours("a1", "1h"), point("b2", "5h")), '1 other is named "nightly"'),
        ((point("a1", "1h"), point("b2", "5h"), point("c3", "9h")), '2 others are named "nightly"'),
        ((ours("a1", "1h"), ours("b2", "5h")), None),
        ((point("a1", "1h"),), None),
    ],
)
def test_that_others_stay_is_reported(points: Points, expected: str | None) -> None:
    made = planned(SUPERSEDE, *points)
    assert bool(made.warnings) == bool(expected)
    assert not expected or (expected in made.warnings[0] and "supersede leaves them" in made.warnings[0])
    assert not planned(present(), *points).warnings


def test_that_others_stay_is_reported_when_a_new_one_comes() -> None:
    assert "1 other is" in planned(present(supersede=True, max_age="30m"), point("b2", "5h")).warnings[0]


def test_the_new_one_is_made_before_the_old_ones_go_oldest_first() -> None:
    made = planned(
        present(supersede=True, max_age="30m"), ours("a1", "1h"), ours("b2", "9h"), ours("c3", "5h"), point("d4", "2h")
    )
    assert steps(made) == ["create nightly", "delete b2", "delete c3", "delete a1"]
    assert {action.reason for action in made.writes[1:]} == {
        'superseded: supersede is set and a new "nightly" comes first'
    }


def test_an_existing_newer_one_is_named_as_the_reason() -> None:
    made = planned(SUPERSEDE, ours("a1", "1h"), ours("b2", "5h"))
    assert made.writes[0].reason == 'superseded: supersede is set and a newer "nightly" exists'


def test_update_comes_before_the_deletes() -> None:
    made = planned(present(supersede=True, description="new"), ours("a1", "1h"), ours("b2", "5h"))
    assert steps(made) == ["update a1", "delete b2"]


def test_where_times_are_unknown_only_what_the_kept_one_stands_on_is_older() -> None:
    below, kept = chain(ours("a1", created=None), ours("b2", created=None))
    aside = ours("c3", created=None)
    assert steps(planned(SUPERSEDE, below, kept, aside, capabilities=TIMELESS)) == ["delete a1"]


def test_undated_ones_go_first_those_below_before_those_above() -> None:
    below, above = chain(ours("b2", created=None), ours("a1", created=None))
    made = planned(present(supersede=True, max_age="30m"), ours("c3", "9h"), above, below)
    assert steps(made) == ["create nightly", "delete b2", "delete a1", "delete c3"]
