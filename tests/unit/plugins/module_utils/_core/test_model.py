# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints and inventories: ids in any case, ages, ancestry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import (
    Checkpoint,
    Leftover,
    ObservedVm,
    Obstacle,
    Usability,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Ownership, name_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    WEB01,
    chain,
    having,
    hidden,
    mark,
    point,
)

A, B, C = chain(point("a"), point("b"), point("c"))


@pytest.mark.parametrize("wanted", ["c20f0a11", "C20F0A11", "HOST-9", "host-9"])
def test_a_checkpoint_answers_to_its_id_and_its_host_id_in_any_case(wanted: str) -> None:
    assert point("C20f0a11", host_id="Host-9").has_id(wanted)
    assert not point("C20f0a11", host_id="Host-9").has_id(f"{wanted}0")
    assert not point("831e819f", host_id=None).has_id(wanted)
    assert not point("831e819f", host_id=None).has_id("")


def test_one_without_an_id_answers_to_none_and_shows_none() -> None:
    assert not hidden().has_id(hidden().id)
    assert having(hidden()).by_id(hidden().id) is None
    assert (hidden().known_id, having().show(hidden())["id"], A.known_id) == (None, None, "a")


def test_it_is_found_by_either_id() -> None:
    assert having(A, B).by_id("HOST-B") == B
    assert having(A, B).by_id("a") == A
    assert having(A, B).by_id("c") is None


@pytest.mark.parametrize(("age", "seconds"), [("4h", 14400), ("1500ms", 1), (None, None)])
def test_age_is_in_whole_seconds_and_null_where_nobody_knows(age: str | None, seconds: int | None) -> None:
    assert having(point("a", age)).show(point("a", age))["age_seconds"] == seconds


@pytest.mark.parametrize(("seconds", "age", "shown"), [(300.0, -300.0, 0), (300.001, None, None), (3600.0, None, None)])
def test_what_is_from_the_future_beyond_a_small_skew_has_no_age(
    seconds: float, age: float | None, shown: int | None
) -> None:
    ahead = replace(A, created=NOW + timedelta(seconds=seconds))
    assert (having().age(ahead), having().age_as_shown(ahead)) == (age, -seconds)
    assert having().show(ahead)["age_seconds"] == shown


def test_current_is_the_one_that_the_vm_stands_on() -> None:
    standing = replace(B, current=True)
    assert having(A, standing, C).current() == standing
    assert having(A, B).current() is None


def test_ancestors_are_everything_below() -> None:
    assert having(A, B, C).ancestors(C) == {"a", "b"}
    assert having(A, B, C).ancestors(A) == set()


def test_a_gap_in_the_list_ends_the_ancestry() -> None:
    assert having(A, C).ancestors(C) == {"b"}


def test_a_loop_that_only_a_broken_answer_could_hold_ends() -> None:
    looped = [replace(A, parent_id="b"), replace(B, parent_id="a")]
    assert having(*looped).ancestors(looped[0]) == {"a", "b"}


def test_a_result_has_every_key_and_null_for_what_is_unknown() -> None:
    known = replace(
        point("a", "1h", description="words", mark=mark("f00"), consistency="application"),
        parent_id="r",
        depth=2,
        current=True,
    )
    expected = {
        "id": "a",
        "host_id": "host-a",
        "name": "nightly",
        "description": "words",
        "created": "2026-11-20T11:00:00Z",
        "parent_id": "r",
        "depth": 2,
        "current": True,
        "position": "current",
        "usable": True,
        "usability": "usable",
        "consistency": "application",
        "managed": True,
        "other_vm": False,
        "mark": {
            "nonce": "f00000000000",
            "created": "2026-11-20T11:00:00Z",
            "safety": False,
            "power": None,
            "key": None,
            "target": None,
        },
        "pinned": False,
        "pin_until": None,
        "age_seconds": 3600,
    }
    assert having(known).show(known) == expected
    unknown = point("a", None, usability="unknown", host_id=None).to_result(None, pinned=False)
    assert {key for key, value in unknown.items() if value is None} >= {
        "host_id",
        "created",
        "parent_id",
        "mark",
        "age_seconds",
    }
    words = ("managed", "current", "position", "usable", "usability", "other_vm")
    assert [unknown[key] for key in words] == [False, False, "unknown", False, "unknown", False]


@pytest.mark.parametrize(
    ("name", "exactly", "any_case"),
    [
        ("Nightly", True, True),
        ("nightly", False, True),
        ("NIGHTLY", False, True),
        ("Nightly-1", True, True),
        ("nightly-1", False, True),
        ("night", False, False),
        ("Nightly-", False, False),
    ],
)
def test_a_name_is_its_own_or_its_series_and_its_case_counts_where_the_service_says_so(
    name: str, exactly: bool, any_case: bool
) -> None:
    found = replace(point("a", name="Nightly-1"), series="Nightly")
    assert found.matches_name(name) is exactly
    assert replace(found, any_case=True).matches_name(name) is any_case
    assert replace(found, any_case=True, series=None).matches_name("NIGHTLY-1")
    assert not replace(found, any_case=True, series=None).matches_name("nightly")


def test_where_a_vm_stands_is_said_in_a_word() -> None:
    words = [replace(A, current=current).to_result(None, pinned=False)["position"] for current in (True, False, None)]
    assert words == ["current", "elsewhere", "unknown"]


@pytest.mark.parametrize(
    ("usability", "usable", "is_open"),
    [("usable", True, False), ("arriving", False, True), ("unknown", False, True), ("unusable", False, False)],
)
def test_what_is_open_is_neither_usable_nor_given_up(usability: Usability, usable: bool, is_open: bool) -> None:
    found = replace(A, usability=usability)
    assert (found.usable, found.is_open) == (usable, is_open)


SOON, LATER = NOW + timedelta(minutes=10), NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "pin"),
    [
        ({}, None),
        ({"mark": mark()}, None),
        ({"mark": mark(pin=True)}, Pin()),
        ({"mark": mark(pin=True, until=SOON)}, Pin(SOON)),
        ({"kept": Pin(SOON)}, Pin(SOON)),
        ({"kept": Pin(SOON), "mark": mark()}, Pin(SOON)),
        ({"kept": Pin(SOON), "mark": mark(pin=True, until=LATER)}, Pin(SOON)),
    ],
)
def test_a_pin_is_the_service_s_else_the_mark_s(fields: dict[str, Any], pin: Pin | None) -> None:
    assert replace(A, **fields).pin == pin


@pytest.mark.parametrize(
    ("pin", "ahead", "pinned"),
    [
        (None, 0.0, False),
        (Pin(), 0.0, True),
        (Pin(SOON), 0.0, True),
        (Pin(NOW), 0.0, False),
        (Pin(NOW), 1.0, True),  # by our clock it has not ended
        (Pin(NOW), -1.0, False),  # by the service's it has, and by ours as well
        (Pin(NOW + timedelta(seconds=1)), -60.0, True),  # by the service's clock it has not
        (Pin(NOW - timedelta(seconds=60)), 60.0, False),
        (Pin(NOW - timedelta(seconds=60)), 61.0, True),
    ],
)
def test_a_pin_has_ended_when_it_has_by_both_clocks(pin: Pin | None, ahead: float, pinned: bool) -> None:
    found = replace(A, kept=pin)
    assert having(found, ahead=ahead).is_pinned(found) is pinned
    assert having(found, ahead=ahead).show(found)["pinned"] is pinned


@pytest.mark.parametrize(("pin", "until"), [(None, None), (Pin(), None), (Pin(SOON), "2026-11-20T12:10:00Z")])
def test_a_result_says_when_a_pin_ends(pin: Pin | None, until: str | None) -> None:
    assert having().show(replace(A, kept=pin))["pin_until"] == until


def test_who_made_it_says_the_service_else_the_mark() -> None:
    marked = replace(A, mark=mark("f00", "2h", safety=True))
    assert marked.ownership == Ownership(True, "f00000000000", True, NOW - timedelta(hours=2))
    assert A.ownership == Ownership()
    assert replace(marked, owned=Ownership(True, "n")).ownership == Ownership(True, "n")


def test_a_name_that_the_service_has_changed_is_known_by_its_mark() -> None:
    asked = mark(name=name_hash("before patching"))
    assert replace(A, name="BEFORE_PATCHING", mark=asked).matches_name("before patching")
    assert not replace(A, name="BEFORE_PATCHING", mark=asked).matches_name("before patch")
    assert replace(A, name="bef", mark=asked).matches_name("before patching")
    other = replace(A, name="another name", mark=asked)
    assert not other.matches_name("before patching")
    assert (other.bears_mark_of("before patching"), other.bears_mark_of("before"), A.bears_mark_of("a")) == (
        True,
        False,
        False,
    )
    assert not replace(A, name="BEFORE_PATCHING", mark=mark()).matches_name("before patching")
    assert not replace(A, name="BEFORE_PATCHING").matches_name("before patching")


def test_every_key_of_a_leftover() -> None:
    left = Leftover("disk", "/d", "d", "why", NOW, 64, removable=False)
    assert left.to_result(WEB01) == {
        "vm": "web01",
        "vm_id": WEB01.id,
        "provider": "spf",
        "kind": "disk",
        "id": "/d",
        "name": "d",
        "reason": "why",
        "created": "2026-11-20T12:00:00Z",
        "size_gb": 64,
        "removable": False,
    }
    shown = Leftover("disk", "/d", "d", "why").to_result(WEB01)
    assert (shown["created"], shown["size_gb"], shown["removable"]) == (None, None, True)


def test_what_nobody_says_of_a_checkpoint_and_a_vm() -> None:
    bare = Checkpoint("i", "n")
    assert (bare.description, bare.depth, bare.usability, bare.current, bare.any_case) == ("", 1, "usable", None, False)
    vm = ObservedVm(WEB01, (), NOW)
    assert (vm.ahead, vm.power, vm.current_known, vm.managed_new) == (0.0, "unknown", True, True)


def test_what_holds_of_a_checkpoint_and_a_vm_where_nothing_is_said() -> None:
    assert Checkpoint("a", "n") == Checkpoint(
        id="a",
        name="n",
        description="",
        host_id=None,
        created=None,
        parent_id=None,
        depth=1,
        current=None,
        usability="usable",
        mark=None,
        owned=None,
        kept=None,
        locked=False,
        series=None,
        any_case=False,
        root=None,
        consistency=None,
        identified=True,
        of_another=False,
    )
    assert ObservedVm(WEB01, (), NOW) == ObservedVm(
        WEB01,
        (),
        NOW,
        ahead=0.0,
        power="unknown",
        busy=None,
        refuses=None,
        current_known=True,
        obstacles=(),
        cautions=(),
        prelude=(),
        pin_prelude=(),
        next_create=None,
        managed_new=True,
        last_operation=None,
        unplugged=frozenset(),
        from_list=False,
        detail=None,
    )
    assert Obstacle(("create",), "why", "remedy").lifted_by == ""
    left = Leftover("disk", "i", "n", "r")
    assert (left.created, left.size_gb, left.removable) == (None, None, True)
