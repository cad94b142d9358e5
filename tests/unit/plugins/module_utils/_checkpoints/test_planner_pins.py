# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins: set with a new checkpoint or changed on one that exists, and what is pinned goes only by its id."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    SetLock,
    SetPin,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.pinning import removal
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    Obstructed,
    Pinned,
    UnknownTime,
    Unsupported,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Mark
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, to_result
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    TIMELESS,
    UNIQUE,
    WEB01,
    NamedStep,
    absent,
    ago,
    having,
    mark,
    ours,
    planned,
    point,
    present,
    steps,
)

FOREVER = Pin()
LATER, OVER = NOW + timedelta(days=1), ago("1m")


def pinned_mark(nonce: str, age: str = "1h", pin: Pin | None = FOREVER) -> Mark:
    return mark(nonce, age).with_pin(pin)


def kept(point_id: str, age: str | None = "1h", pin: Pin | None = FOREVER, **fields: Any) -> Any:
    """One of Azure, which is pinned by a tag."""
    return point(point_id, age, any_case=True, kept=pin, **fields)


def written(made: Plan) -> list[str]:
    """Actions as an approval names them."""
    return [action.title() for action in made.writes]


@pytest.mark.parametrize(
    ("options", "pin"),
    [
        ({}, None),
        ({"pin": False}, None),
        ({"pin": True}, PinRequest()),
        ({"pin": True, "pin_until": "2d"}, PinRequest(timedelta(days=2))),
        ({"pin": True, "pin_until": "2026-11-21T12:00:00Z"}, PinRequest(LATER)),
        ({"pin": True, "pin_until": "2026-11-20T12:00:00Z"}, None),
        ({"pin": True, "pin_until": "0s"}, None),
    ],
)
@pytest.mark.parametrize("service", [SERVICE, TIMELESS, UNIQUE])
def test_a_new_one_is_made_with_its_pin_or_pinned_once_it_is_there(
    service: Capabilities, options: dict[str, Any], pin: PinRequest | None
) -> None:
    made = planned(present(**options), capabilities=service)
    create = made.writes[0]
    assert isinstance(create, Create)
    assert create.pin == (None if service is UNIQUE else pin)
    later = [(action.pin.request, action.checkpoint.id) for action in made.writes[1:] if isinstance(action, SetPin)]
    assert later == ([(pin, "")] if service is UNIQUE and pin else [])
    assert bool(made.warnings) == bool(options.get("pin") and pin is None)


def test_a_new_one_on_azure_is_pinned_then_locked_before_anything_goes() -> None:
    made = planned(
        present(pin=True, pin_lock=True, supersede=True, max_age="30m"),
        kept("old", "9h", None, owned=ours("old").ownership),
        capabilities=UNIQUE,
        pin_prelude=(NamedStep(WEB01, "r", "make room"),),
    )
    assert [type(action).__name__ for action in made.writes] == ["Create", "NamedStep", "SetPin", "SetLock", "Delete"]
    assert [action.relies for action in made.writes] == [True, True, False, False, True]
    assert made.writes[2].details() == {
        "checkpoint": {"name": "nightly"},
        "fields": {"pin": {"before": False, "after": True}},
    }


@pytest.mark.parametrize(
    ("pin", "options", "changes"),
    [
        (None, {"pin": True}, {"pin": {"before": False, "after": True}}),
        (
            None,
            {"pin": True, "pin_until": "2h"},
            {
                "pin": {"before": False, "after": True},
                "pin_until": {"before": None, "after": "2026-11-20T13:00:00Z"},
            },
        ),
        (Pin(LATER), {"pin": True, "pin_until": "25h"}, None),
        (
            Pin(LATER),
            {"pin": True},
            {"pin": {"before": True, "after": True}, "pin_until": {"before": "2026-11-21T12:00:00Z", "after": None}},
        ),
        (Pin(), {"pin": True}, None),
        (Pin(), {}, None),
        (Pin(), {"pin": False}, {"pin": {"before": True, "after": False}}),
        (Pin(OVER), {"pin": False}, None),
        (Pin(OVER), {"pin": True, "pin_until": "10m"}, None),
        (
            Pin(),
            {"pin": True, "pin_until": "10m"},
            {"pin": {"before": True, "after": False}},
        ),
        (Pin(OVER), {"pin": True}, {"pin": {"before": False, "after": True}}),
    ],
)
@pytest.mark.parametrize("service", [SERVICE, UNIQUE])
def test_what_exists_gets_the_pin_that_is_asked_for_once(
    service: Capabilities, pin: Pin | None, options: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    existing = ours("a1", mark=pinned_mark("a1", pin=pin)) if service is SERVICE else kept("a1", pin=pin)
    made = planned(present(**options), existing, capabilities=service)
    assert [action.details()["fields"] for action in made.writes] == ([] if changes is None else [changes])
    if changes is None:
        return
    (action,) = made.writes
    assert isinstance(action, Update if service is SERVICE else SetPin)
    after = action.pin.after if action.pin else None
    again = ours("a1", mark=pinned_mark("a1", pin=after)) if service is SERVICE else kept("a1", pin=after)
    assert planned(present(**options), again, capabilities=service).writes == ()


def test_description_and_pin_are_one_write_where_the_mark_holds_the_pin() -> None:
    made = planned(present(pin=True, description="words"), ours("a1"))
    (action,) = made.writes
    assert action.reason == 'description is "" and pin is set'
    assert written(made) == ["update nightly of web01 (description: words, pin: true)"]


def test_an_approval_covers_what_the_user_gave() -> None:
    given = present(pin=True, pin_until="2d")
    titles = written(planned(given)), written(planned(given, ours("a1"))), written(planned(given, capabilities=UNIQUE))
    assert titles == (
        ["create nightly of web01 (pin: true, pin_until: 2d)"],
        ["update nightly of web01 (pin: true, pin_until: 2d)"],
        ["create nightly of web01", "update nightly of web01 (pin: true, pin_until: 2d)"],
    )
    one, differently = planned(given, ours("a1")), planned(present(pin=True), ours("a1"))
    assert to_result([one])["digest"] != to_result([differently])["digest"]


@pytest.mark.parametrize(
    ("existing", "options", "told"),
    [
        (ours("a1"), {"pin": True}, "is not pinned, and Arc has no way to change that"),
        (ours("a1", mark=pinned_mark("a1")), {"pin": False}, "is pinned, and Arc has no way"),
        (
            ours("a1", mark=pinned_mark("a1", pin=Pin(LATER))),
            {"pin": True},
            "is pinned until 2026-11-21 12:00Z, and Arc has no way",
        ),
        (point("a1"), {"pin": True}, "bears no mark of this collection, in which Arc could keep a pin"),
    ],
)
def test_what_nothing_can_change_is_refused_and_the_policy_named(
    existing: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        planned(present(**options), existing, capabilities=TIMELESS)
    assert told in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert ("under pins of vm_checkpoint_policy" in caught.value.remedy) == bool(options["pin"])


def test_what_another_tool_made_holds_no_pin_in_a_mark() -> None:
    with pytest.raises(Unsupported, match="bears no mark of this collection, in which SPF could keep a pin"):
        planned(present(pin=True), point("a1"))
    assert planned(present(pin=False), point("a1")).writes == ()
    assert len(planned(present(pin=True), kept("a1", pin=None), capabilities=UNIQUE).writes) == 1


@pytest.mark.parametrize("service", [SERVICE, TIMELESS])
@pytest.mark.parametrize("points", [(), (ours("a1", mark=pinned_mark("a1")),)])
def test_locks_are_azure_s(service: Capabilities, points: Any) -> None:
    with pytest.raises(Unsupported, match="has no locks that keep a checkpoint"):
        planned(present(pin=True, pin_lock=True), *points, capabilities=service)
    assert planned(present(pin=True, pin_lock=False), *points, capabilities=service).writes == (
        planned(present(pin=True), *points, capabilities=service).writes
    )


@pytest.mark.parametrize(
    ("pin", "locked", "options", "expected"),
    [
        (None, False, {"pin": True, "pin_lock": True}, [SetPin, SetLock]),
        (Pin(), False, {"pin": True, "pin_lock": True}, [SetLock]),
        (Pin(), True, {"pin": True, "pin_lock": True}, []),
        (Pin(), True, {"pin": True}, []),
        (Pin(), True, {"pin": True, "pin_lock": False}, [SetLock]),
        (Pin(), True, {"pin_lock": False}, [SetLock]),
        (Pin(), True, {"pin": False}, [SetLock, SetPin]),
        (None, True, {"pin": False}, [SetLock]),
        (Pin(), True, {"pin": True, "pin_lock": True, "pin_until": "10m"}, [SetLock, SetPin]),
    ],
)
def test_a_lock_comes_after_its_pin_and_goes_before_it(
    pin: Pin | None, locked: bool, options: dict[str, Any], expected: list[type]
) -> None:
    made = planned(present(**options), kept("a1", pin=pin, locked=locked), capabilities=UNIQUE)
    assert [type(action) for action in made.writes] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pin": True}, []),
        ({"pin": False}, ["update a1"]),
        ({"pin": True, "on_ambiguous": "all"}, ["update b2"]),
        ({"pin": True, "on_ambiguous": "newest"}, ["update b2"]),
        ({"pin": True, "max_age": "2h"}, ["update b2"]),
    ],
)
def test_of_several_of_a_name_one_that_is_pinned_will_do_and_the_pinned_one_is_released(
    options: dict[str, Any], expected: list[str]
) -> None:
    points = (ours("a1", "5h", mark=pinned_mark("a1", "5h")), ours("b2", "1h"))
    assert steps(planned(present(**options), *points)) == expected


def test_which_of_several_is_never_guessed() -> None:
    with pytest.raises(Ambiguous):
        planned(present(pin=True), ours("a1"), ours("b2"))
    pinned = [ours(each, mark=pinned_mark(each)) for each in ("a1", "b2")]
    with pytest.raises(Ambiguous):
        planned(present(pin=False), *pinned)


def test_a_duration_needs_to_know_since_when() -> None:
    undated = kept("a1", None, pin=None)
    with pytest.raises(UnknownTime, match="is a duration from the creation of"):
        planned(present(pin=True, pin_until="1d"), undated, capabilities=UNIQUE)
    assert len(planned(present(pin=True), undated, capabilities=UNIQUE).writes) == 1


@pytest.mark.parametrize("options", [{}, {"on_ambiguous": "all"}, {"on_ambiguous": "oldest"}])
def test_absent_by_name_refuses_what_is_pinned_as_a_whole(options: dict[str, Any]) -> None:
    points = [ours("a1", "5h", mark=pinned_mark("a1", "5h", Pin(LATER)))]
    points += [ours("b2", "1h")] if options else []
    with pytest.raises(Pinned) as caught:
        planned(absent(**options), *points)
    assert str(caught.value) == (
        'checkpoint "nightly" (a1) is pinned until 2026-11-21 12:00Z. Nothing was changed. '
        "Lift the pin (pin: false), or name it by checkpoint_id with ignore_pin: true."
    )


def test_many_that_are_pinned_are_counted() -> None:
    points = [ours(f"a{number}", mark=pinned_mark("a")) for number in range(22)]
    with pytest.raises(Pinned, match=r'"nightly" \(a19\) is pinned, and 2 more are\.'):
        planned(absent(on_ambiguous="all"), *points)


def test_by_its_id_it_goes_where_the_task_says_so() -> None:
    pinned = ours("a1", mark=pinned_mark("a1"))
    with pytest.raises(Pinned):
        planned(absent(checkpoint_id="a1"), pinned)
    made = planned(absent(checkpoint_id="a1", ignore_pin=True), pinned)
    assert steps(made) == ["delete a1"]
    assert made.writes[0].reason == "state is absent and ignore_pin is set"
    locked = kept("a1", locked=True)
    lock = Obstacle(("delete a1",), "the lock allows no deletion.", "r", lifted_by="unlock a1")
    made = planned(absent(checkpoint_id="a1", ignore_pin=True), locked, capabilities=UNIQUE, obstacles=(lock,))
    assert [type(action) for action in made.writes] == [SetLock, SetPin, Delete]


def test_what_is_left_of_a_pin_that_has_ended_is_no_obstacle() -> None:
    over = kept("a1", pin=Pin(OVER), locked=True)
    lock = Obstacle(("delete a1",), "the lock allows no deletion.", "r", lifted_by="unlock a1")
    made = planned(absent(), over, capabilities=UNIQUE, obstacles=(lock,))
    assert [type(action) for action in made.writes] == [SetLock, Delete]
    with pytest.raises(Obstructed):
        planned(absent(), kept("a1", pin=None, locked=True), capabilities=UNIQUE, obstacles=(lock,))


def test_the_lock_of_a_pin_that_holds_goes_only_where_the_pin_is_lifted() -> None:
    held = kept("a1", locked=True)
    for lift, removed in ((False, [Delete]), (True, [SetLock, SetPin, Delete])):
        assert [type(action) for action in removal(having(held), held, "why", lift=lift)] == removed
    unlocked = kept("a1", locked=False)
    assert [type(action) for action in removal(having(unlocked), unlocked, "why", lift=True)] == [SetPin, Delete]
    foreign = kept("a1", pin=None, locked=True)
    assert [type(action) for action in removal(having(foreign), foreign, "why")] == [Delete]


def test_a_failed_one_that_is_pinned_is_not_replaced() -> None:
    failed = kept("a1", usability="unusable")
    with pytest.raises(Pinned):
        planned(present(), failed, capabilities=UNIQUE)
    assert steps(planned(present(), kept("a1", pin=None, usability="unusable"), capabilities=UNIQUE)) == [
        "delete a1",
        "create nightly",
    ]


def test_a_service_without_room_for_another_pin() -> None:
    full = Obstacle(("pin",), "its collection has 50 tags.", "r")
    with pytest.raises(Obstructed):
        planned(present(pin=True), kept("a1", pin=None), capabilities=UNIQUE, obstacles=(full,))
    with pytest.raises(Obstructed):
        planned(present(pin=True), capabilities=UNIQUE, obstacles=(full,))
    assert planned(present(pin=True), kept("a1", pin=Pin(LATER)), capabilities=UNIQUE, obstacles=(full,)).writes


SELECTED = (
    ours("a1", "9h", mark=pinned_mark("a1", "9h")),
    ours("b2", "5h"),
    point("c3", "20h", name="weekly"),
    point("d4", None),
)


@pytest.mark.parametrize(
    ("options", "gone", "pinned", "warned"),
    [
        ({"select": {"older_than": "4h"}}, ["delete c3", "delete b2"], ["a1"], 1),
        ({"select": {"older_than": "4h"}, "name": "weekly"}, ["delete c3"], [], 0),
        ({"select": {"older_than": "4h", "pinned": False}}, ["delete c3", "delete b2"], [], 1),
        ({"select": {"managed": True}}, ["delete b2"], ["a1"], 0),
        ({"select": {"name_matches": "week.*"}}, ["delete c3"], [], 0),
        ({"select": {"which": "oldest", "managed": True}}, [], ["a1"], 0),
        ({"select": {"name_matches": "no.*"}}, [], [], 0),
    ],
)
def test_absent_takes_all_that_select_takes_but_what_is_pinned(
    options: dict[str, Any], gone: list[str], pinned: list[str], warned: int
) -> None:
    """The oldest one being pinned, nothing goes in its place; what is of unknown age stays where an age decides."""
    made = planned(absent(**options), *SELECTED)
    assert steps(made) == gone
    keeps = [action for action in made.actions if isinstance(action, NoOp)]
    assert [(action.checkpoint.id, action.reason) for action in keeps] == [(each, "it is pinned") for each in pinned]
    assert len(made.warnings) == warned
    assert not warned or "1 checkpoint is of unknown age, and stays" in made.warnings[0]
