# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pinned and refused, from when on a pin counts, and whether pin and lock of a checkpoint are as asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Delete,
    PinChange,
    SetPin,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.pinning import (
    apart,
    change_of,
    fits,
    refuse_pinned,
    removals,
    warnings_of,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Pinned
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    UNIQUE,
    WEB01,
    NamedStep,
    ago,
    having,
    mark,
    ours,
    point,
    present,
)

REMEDY = "Lift the pin (pin: false), or name it by checkpoint_id with ignore_pin: true."


@pytest.mark.parametrize(
    ("number", "more"), [(1, ""), (19, ""), (20, ""), (21, ", and 1 more are"), (22, ", and 2 more are")]
)
def test_twenty_that_are_pinned_are_named_and_the_others_counted(number: int, more: str) -> None:
    points = [point(f"a{each}", kept=Pin()) for each in range(number)]
    with pytest.raises(Pinned) as raised:
        refuse_pinned(having(*points), points)
    named = ", ".join(f'"nightly" (a{each}) is pinned' for each in range(min(number, 20)))
    assert str(raised.value) == f"checkpoint {named}{more}. Nothing was changed. {REMEDY}"


def test_a_pin_has_ended_only_by_both_clocks() -> None:
    ended = [point("a", kept=Pin(ago("1m"))), point("b")]
    refuse_pinned(having(*ended), ended)
    with pytest.raises(Pinned, match=r'^checkpoint "nightly" \(a\) is pinned until 2026-11-20 11:59Z\.'):
        refuse_pinned(having(*ended, ahead=61.0), ended)


def test_no_pin_that_holds_is_lifted_unasked() -> None:
    held = point("a", kept=Pin(), locked=True)
    assert removals(having(held), "why", [held]) == [Delete(WEB01, "why", checkpoint=held)]


def test_a_duration_counts_from_what_the_mark_says_and_else_from_what_the_service_shows() -> None:
    spec = present(pin=True, pin_until="2h")
    request = PinRequest(timedelta(hours=2))
    marked = ours("a1", "1h", created=ago("3h"))
    assert change_of(spec, having(), marked) == PinChange(request, None, Pin(ago("1h") + timedelta(hours=2)))
    assert warnings_of(spec, having(), marked) == []
    assert change_of(spec, having(), point("b", "1h")) == PinChange(request, None, Pin(NOW + timedelta(hours=1)))
    assert change_of(spec, having(), point("b", "3h")) is None
    assert warnings_of(spec, having(), point("b", "3h")) == [
        'pin_until has passed for checkpoint "nightly" (b), so it is not pinned.'
    ]


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("1d", []),
        ("0s", ['pin_until has passed for checkpoint "nightly" (b), so it is not pinned.']),
        ("2026-11-21T12:00:00Z", []),
        ("2026-11-20T11:00:00Z", ['pin_until has passed for checkpoint "nightly" (b), so it is not pinned.']),
    ],
)
def test_where_no_time_is_known_it_counts_from_now(until: str, said: list[str]) -> None:
    assert warnings_of(present(pin=True, pin_until=until), having(), point("b", None)) == said


def test_a_moment_is_the_same_whether_the_time_of_creation_is_known_or_not() -> None:
    spec = present(pin=True, pin_until="2026-11-21T12:00:00Z")
    found = [change_of(spec, having(), point("b", age)) for age in ("1h", None)]
    assert found == [PinChange(PinRequest(NOW + timedelta(days=1)), None, Pin(NOW + timedelta(days=1)))] * 2


@pytest.mark.parametrize(
    ("service", "options", "pin", "locked", "fit"),
    [
        (UNIQUE, {"pin": True, "pin_lock": True}, Pin(), True, True),
        (UNIQUE, {"pin": True, "pin_lock": True}, Pin(), False, False),
        (UNIQUE, {"pin": True, "pin_lock": False}, Pin(), True, False),
        (UNIQUE, {"pin": True}, Pin(), True, True),
        (UNIQUE, {"pin": True}, None, False, False),
        (UNIQUE, {"pin": False}, None, True, False),
        (UNIQUE, {"pin": False}, None, False, True),
        (UNIQUE, {"pin_lock": False}, Pin(), True, False),
        (UNIQUE, {}, Pin(), True, True),
        (SERVICE, {"pin": True, "pin_lock": True}, Pin(), False, True),
        (SERVICE, {"pin": False}, None, True, True),
    ],
)
def test_whether_pin_and_lock_are_as_asked_for(
    service: Capabilities, options: dict[str, Any], pin: Pin | None, locked: bool, fit: bool
) -> None:
    """Where nothing can lock, a lock that is asked for is refused elsewhere, and says nothing of which is meant."""
    there = point("a", kept=pin, locked=locked)
    assert fits(present(**options), having(there), service, there) is fit


def test_nothing_is_written_apart_where_nothing_is_asked_of_pins() -> None:
    assert apart(present(), having(), UNIQUE, point("a", kept=Pin(), locked=True)) == []
    assert apart(present(pin=True, pin_lock=True), having(), SERVICE, point("a")) == []


def test_room_is_made_for_a_pin_that_is_new_alone() -> None:
    room = NamedStep(WEB01, "why", "make room")
    actual = having(pin_prelude=(room,))
    (first, _pin) = apart(present(pin=True), actual, UNIQUE, point("a"))
    assert first == room
    (change,) = apart(present(pin=True), actual, UNIQUE, point("a", kept=Pin(NOW + timedelta(days=1))))
    assert (change.kinds, change.reason) == (("update", "update a"), "pin is set")
    (lifted,) = apart(present(pin=False), actual, UNIQUE, point("a", mark=mark("a", pin=True)))
    assert isinstance(lifted, SetPin)
    assert (lifted.kinds, lifted.reason) == (("update", "update a"), "pin is false")
    assert _pin.kinds == ("update", "update a", "pin")
