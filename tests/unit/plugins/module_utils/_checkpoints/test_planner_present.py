# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""state: present: any usable match will do; with max_age the newest decides; a description is one checkpoint's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    MissingCheckpoint,
    UnknownTime,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    TIMELESS,
    UNIQUE,
    chain,
    mark,
    ours,
    planned,
    point,
    present,
    steps,
)

Points = tuple[Checkpoint, ...]


def kept(made: Plan) -> str | None:
    return made.satisfied_by.id if made.satisfied_by else None


def reasons(made: Plan) -> list[str]:
    return [action.reason for action in made.actions]


@pytest.mark.parametrize(
    ("name", "points", "expected"),
    [
        ("nothing exists", (), None),
        ("another name", (point("a", name="Nightly"),), None),
        ("a usable one", (point("a"),), "a"),
        ("somebody else's", (point("a", "400d"),), "a"),
        ("of unknown time", (point("a", None),), "a"),
        ("an unusable one", (point("a", usability="unusable"),), None),
        ("perhaps usable", (point("a", usability="unknown"),), "a"),
        ("several: the newest", (point("a", "9h"), point("b", "1h"), point("c", "5h")), "b"),
        ("dated before undated", (point("a", None), point("b", "9h")), "b"),
        ("undated: the deepest", chain(point("a", None), point("b", None)), "b"),
        ("undated twins: any", (point("a", None), point("b", None)), "a"),
        ("usable before perhaps usable", (point("a", "9h"), point("b", "1h", usability="unknown")), "a"),
    ],
)
def test_any_usable_match_satisfies_plain_present(name: str, points: Points, expected: str | None) -> None:
    made = planned(present(), *points)
    assert kept(made) == expected, name
    assert steps(made) == ([] if expected else ["create nightly"]), name


def test_one_that_may_be_unusable_comes_with_a_warning() -> None:
    assert planned(present(), point("a", usability="unknown")).warnings == (
        'nobody can say yet whether checkpoint "nightly" (a) is usable: the service does not show all of it.',
    )
    assert planned(present(), point("a")).warnings == ()


@pytest.mark.parametrize(
    ("name", "points", "fresh"),
    [
        ("young enough", (point("a", "3h"),), True),
        ("exactly that old", (point("a", "4h"),), True),
        ("a millisecond too old", (point("a", "4h1ms"),), False),
        ("unknown age never satisfies", (point("a", None),), False),
        ("null usable never satisfies", (point("a", "1h", usability="unknown"),), False),
        ("unusable never satisfies", (point("a", "1h", usability="unusable"),), False),
        ("the newest decides", (point("a", "9h"), point("b", "3h")), True),
        ("another name does not count", (point("a", "1h", name="other"),), False),
    ],
)
def test_with_max_age_the_newest_decides(name: str, points: Points, fresh: bool) -> None:
    assert steps(planned(present(max_age="4h"), *points)) == ([] if fresh else ["create nightly"]), name


@pytest.mark.parametrize(("minutes", "expected"), [(4, []), (6, ["create nightly"])])
def test_one_from_the_future_is_nobody_s_evidence_beyond_a_small_skew(minutes: int, expected: list[str]) -> None:
    ahead = point("a", created=NOW + timedelta(minutes=minutes))
    assert steps(planned(present(max_age="4h"), ahead)) == expected


@pytest.mark.parametrize(
    ("options", "points", "reason"),
    [
        ({}, (), 'no checkpoint named "nightly" exists'),
        ({}, (point("a", usability="unusable"),), 'no usable checkpoint named "nightly" exists'),
        ({"max_age": "4h"}, (), 'no checkpoint named "nightly" exists; max_age 4h'),
        (
            {"max_age": "4h"},
            (point("a", "9h"), point("b", "12h")),
            'no usable checkpoint named "nightly" is younger than 4h; the newest is of 2026-11-20 03:00Z',
        ),
        (
            {"max_age": "4h"},
            (point("a", None),),
            'no usable checkpoint named "nightly" is younger than 4h; the time of those that exist is unknown',
        ),
        ({}, (point("a"),), "it exists"),
        ({"max_age": "4h"}, (point("a", "1h"),), "it is 1h old, max_age is 4h"),
    ],
)
def test_a_plan_says_why(options: dict[str, Any], points: Points, reason: str) -> None:
    assert reasons(planned(present(**options), *points)) == [reason]


def test_a_create_carries_the_description_only_if_the_user_set_one() -> None:
    bare = planned(present()).writes[0].details()
    empty = planned(present(description="")).writes[0].details()  # an unanswered survey field
    approved = planned(present(description="d")).writes[0].details()
    assert bare == empty == {"checkpoint": {"name": "nightly"}}
    assert approved == {"checkpoint": {"name": "nightly", "description": "d"}}


def test_a_description_that_differs_is_updated() -> None:
    made = planned(present(description="new"), point("a", description="old"))
    assert steps(made) == ["update a"]
    assert made.writes[0].reason == 'description is "old"'
    assert made.drift == ()


@pytest.mark.parametrize("description", [None, "same"])
def test_a_description_that_is_not_set_or_is_the_same_is_left_alone(description: str | None) -> None:
    made = planned(present(description=description), point("a", description="same"))
    assert (steps(made), made.drift, made.warnings) == ([], (), ())


def test_what_the_service_would_store_again_is_drift_and_not_written() -> None:
    shown = point("a", description="A &amp; B")
    made = planned(present(description="A & B"), shown)
    assert (steps(made), made.drift) == ([], ({"field": "description", "desired": "A & B", "actual": "A &amp; B"},))
    assert made.warnings == (
        'the description of checkpoint "nightly" (a) differs, in what a service may make of a text by itself, so that '
        "it is not written again; see drift.",
    )
    assert steps(planned(present(description="A & B"), shown, point("b", description="x"))) == []
    marked = ours("a", description="after installation of 1")
    assert steps(planned(present(description="after installation of 12"), marked)) == ["update a"]
    assert (
        steps(planned(present(description="after installation of 12"), point("a", description=marked.description)))
        == []
    )


def test_where_descriptions_cannot_be_changed_a_difference_is_drift_and_a_warning_but_no_change() -> None:
    made = planned(present(description="new"), point("a", None, description="old"), capabilities=TIMELESS)
    assert steps(made) == []
    assert made.drift == ({"field": "description", "desired": "new", "actual": "old"},)
    assert made.warnings == (
        'the description of checkpoint "nightly" (a) differs, and Arc has no way to change it; see drift.',
    )


@pytest.mark.parametrize(
    ("on_ambiguous", "expected"),
    [("newest", ["update b"]), ("oldest", ["update a"]), ("all", ["update a", "update b"])],
)
def test_whose_description_is_meant_is_the_user_s_to_say(on_ambiguous: str, expected: list[str]) -> None:
    spec = present(description="new", on_ambiguous=on_ambiguous)
    assert steps(planned(spec, point("a", "9h"), point("b", "1h"))) == expected


def test_several_that_all_have_another_description_are_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        planned(present(description="new"), point("a", "9h"), point("b", "1h"))


@pytest.mark.parametrize("other", ["new", "old"])
def test_twins_of_which_one_has_the_description_are_left_alone(other: str) -> None:
    made = planned(present(description="new"), point("a", "9h", description="new"), point("b", "1h", description=other))
    assert steps(made) == []
    assert made.satisfied_by is not None
    assert made.satisfied_by.description == "new"


def test_newest_of_unknown_time_is_no_guess() -> None:
    with pytest.raises(UnknownTime):
        planned(present(description="new", on_ambiguous="newest"), point("a", None), point("b", "1h"))


@pytest.mark.parametrize("options", [{"max_age": "12h"}, {"supersede": True}])
def test_with_max_age_or_supersede_the_description_is_the_newest_s(options: dict[str, Any]) -> None:
    assert "update b" in steps(planned(present(description="new", **options), point("a", "9h"), point("b", "1h")))


@pytest.mark.parametrize("wanted", ["a", "A", "host-a", "HOST-A"])
def test_checkpoint_id_means_one_that_exists(wanted: str) -> None:
    made = planned(present(checkpoint_id=wanted, description="new"), point("a"), point("b"))
    assert steps(made) == ["update a"]


def test_checkpoint_id_never_creates() -> None:
    with pytest.raises(MissingCheckpoint) as caught:
        planned(present(checkpoint_id="gone"), point("a"))
    assert str(caught.value) == (
        "no checkpoint has the id gone, and checkpoint_id never creates. "
        "There are: nightly (2026-11-20 11:00Z). "
        "Give the id of one that exists, or leave checkpoint_id out to have one made."
    )


@pytest.mark.parametrize("name", [None, "nightly"])
@pytest.mark.parametrize("service", [SERVICE, TIMELESS, UNIQUE])
def test_one_of_that_id_that_is_not_usable_is_not_made_anew(name: str | None, service: Capabilities) -> None:
    failed = point("a", usability="unusable")
    with pytest.raises(MissingCheckpoint) as caught:
        planned(present(name=name, checkpoint_id="A"), failed, point("b"), capabilities=service)
    assert str(caught.value) == (
        'checkpoint a ("nightly") is not usable, and checkpoint_id never creates. '
        "Give the id of another one, or name without checkpoint_id to have one made."
    )


def test_checkpoint_id_and_name_must_be_of_the_same_checkpoint() -> None:
    with pytest.raises(MissingCheckpoint) as caught:
        planned(present(checkpoint_id="a", name="weekly"), point("a"))
    assert str(caught.value) == (
        'checkpoint a is named "nightly", not "weekly". Leave out one of name and checkpoint_id.'
    )
    assert steps(planned(present(checkpoint_id="a", name="nightly"), point("a"))) == []


def test_what_a_failed_create_of_this_run_left_behind_counts_for_nothing() -> None:
    left = point("a", mark=mark("bad"))
    memory = CheckpointProgress(failed=frozenset({mark("bad").nonce}))
    assert steps(planned(present(), left, memory=memory)) == ["create nightly"]
    assert steps(planned(present(), left, ours("b"), memory=memory)) == []
    assert steps(planned(present(), left)) == []


def test_what_this_run_has_made_is_fresh_however_long_ago() -> None:
    """A plan made anew after a lock asks for no second one, though max_age has passed meanwhile."""
    mine, old = ours("a1", "5m"), ours("b2", "9h")
    spec = present(max_age="30s", supersede=True)
    assert steps(planned(spec, mine, old)) == ["create nightly", "delete b2", "delete a1"]
    assert mine.mark is not None
    assert steps(planned(spec, mine, old, memory=CheckpointProgress(made=frozenset({mine.mark.nonce})))) == [
        "delete b2"
    ]
