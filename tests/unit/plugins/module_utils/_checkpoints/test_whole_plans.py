# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for a VM's checkpoints as a whole: what is done and why, what is warned of, what differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import (
    id_hash,
    key_hash,
    name_hash,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    TIMELESS,
    UNIQUE,
    WEB01,
    NamedStep,
    absent,
    ago,
    chain,
    hidden,
    mark,
    ours,
    planned,
    point,
    present,
    restore,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_plans import hold

LATER, OVER = Pin(NOW + timedelta(days=1)), Pin(ago("1m"))
ROOM = NamedStep(WEB01, "there is no room for another pin", "make room")
HOME = NamedStep(WEB01, "it does not exist", "make its collection")
CAUTIONS = (("create", "it is off."), ("delete", "deletes are slow."), ("restore", "it is large."))
KEYED: dict[str, Any] = {"restore_key": "cab-7", "safety_checkpoint": True}


def kept(point_id: str, age: str | None = "1h", pin: Pin | None = None, **fields: Any) -> Checkpoint:
    return point(point_id, age, any_case=True, kept=pin, owned=ours(point_id, age or "1h").ownership, **fields)


def pinned(point_id: str, pin: Pin | None = None, age: str = "1h", **fields: Any) -> Checkpoint:
    return ours(point_id, age, mark=mark(point_id, age).with_pin(pin or Pin()), **fields)


def standing(on: str, power: str | None = "on", name: str = "safety before restore to nightly") -> list[Checkpoint]:
    """The target of an earlier run and its safety checkpoint; the VM stands `on` one of them."""
    made = mark("5afe", safety=True, key=key_hash("cab-7"), target=id_hash("t1"), power=power)
    line = chain(point("t1", "2h"), point("5afe", "1h", name=name, mark=made))
    return [replace(each, current=each.id == on) for each in line]


PRESENT: list[Callable[[], Plan]] = [
    lambda: planned(present(), cautions=CAUTIONS),
    lambda: planned(present(description="d", pin=True, pin_until="2d")),
    lambda: planned(present(pin=True, pin_until="0s")),
    lambda: planned(present(description="d", pin=True, pin_lock=True), capabilities=UNIQUE, pin_prelude=(ROOM,)),
    lambda: planned(present(max_age="4h"), kept("a1", "9h"), capabilities=UNIQUE, prelude=(HOME,)),
    lambda: planned(present(max_age="4h", supersede=True), ours("a1", "9h"), point("b2", "8h"), point("c3", "7h")),
    lambda: planned(present(max_age="4h", supersede=True), ours("a1", "2h"), ours("b2", "9h"), point("c3", "7h")),
    lambda: planned(present(supersede=True), pinned("a1", age="9h"), ours("b2", "8h"), ours("c3", "1h")),
    lambda: planned(present(), kept("a1", usability="unusable"), prelude=(HOME,), capabilities=UNIQUE),
    lambda: planned(present(), kept("a1", pin=OVER, locked=True, usability="unusable"), capabilities=UNIQUE),
    lambda: planned(present(), point("a1", usability="unknown")),
    lambda: planned(present(), point("a1", of_another=True)),
    lambda: planned(present(), *(point(each, of_another=True) for each in ("a1", "b2")), ours("c3")),
    lambda: planned(present(max_age="4h"), point("a1"), ahead=120.0),
    lambda: planned(present(), point("a1"), ahead=120.0),
    lambda: planned(present(supersede=True), ours("a1"), ahead=120.0),
    lambda: planned(present(max_age="4h"), replace(ours("a1"), created=ago("10m")), replace(ours("b2"), name="other")),
    lambda: planned(present(description="after", pin=True, pin_until="2d"), ours("a1", description="before")),
    lambda: planned(present(description="after"), point("a1", description="before"), capabilities=TIMELESS),
    lambda: planned(present(description="A & B"), point("a1", description="A &amp; B")),
    lambda: planned(present(description="d", on_ambiguous="all"), point("a1"), point("b2", "2h", usability="unknown")),
    lambda: planned(present(checkpoint_id="a1", pin=False), pinned("a1")),
    lambda: planned(present(pin=True, pin_until="10m"), pinned("a1")),
]
PINS: list[Callable[[], Plan]] = [
    lambda: planned(present(pin=True), kept("a1"), capabilities=UNIQUE, pin_prelude=(ROOM,)),
    lambda: planned(present(pin=True), kept("a1", pin=LATER), capabilities=UNIQUE, pin_prelude=(ROOM,)),
    lambda: planned(present(pin=True, pin_until="2d"), kept("a1", pin=Pin()), capabilities=UNIQUE),
    lambda: planned(present(pin=True, pin_lock=True), kept("a1"), capabilities=UNIQUE),
    lambda: planned(present(pin=True, pin_lock=True), kept("a1", pin=Pin()), capabilities=UNIQUE),
    lambda: planned(present(pin=True, pin_lock=False), kept("a1", pin=Pin(), locked=True), capabilities=UNIQUE),
    lambda: planned(present(pin_lock=False), kept("a1", pin=Pin(), locked=True), capabilities=UNIQUE),
    lambda: planned(present(pin=False), kept("a1", pin=LATER, locked=True), capabilities=UNIQUE, pin_prelude=(ROOM,)),
    lambda: planned(
        present(pin=True, pin_lock=True, pin_until="10m"), kept("a1", pin=OVER, locked=True), capabilities=UNIQUE
    ),
    lambda: planned(present(pin=True), kept("a1", None), capabilities=UNIQUE),
]
ABSENT: list[Callable[[], Plan]] = [
    lambda: planned(absent(), ours("a1"), cautions=CAUTIONS),
    lambda: planned(absent(on_ambiguous="all"), ours("a1", "1h"), point("b2", "2h")),
    lambda: planned(absent(checkpoint_id="a1", ignore_pin=True), pinned("a1")),
    lambda: planned(
        absent(checkpoint_id="a1", ignore_pin=True), kept("a1", pin=LATER, locked=True), capabilities=UNIQUE
    ),
    lambda: planned(
        absent(checkpoint_id="h1", ignore_pin=True, on_ambiguous="all"),
        pinned("a1", host_id="h1"),
        ours("b2", host_id="h1"),
    ),
    lambda: planned(absent(), kept("a1", pin=OVER, locked=True), capabilities=UNIQUE),
    lambda: planned(absent(select={"older_than": "30m"}), pinned("a1"), ours("b2"), point("c3", None)),
    lambda: planned(absent(select="oldest"), ours("a1"), hidden(), ahead=120.0),
    lambda: planned(absent(select={"older_than": "30m"}), ours("a1"), ahead=-120.0),
    lambda: planned(absent(select={"older_than": "30m"}, name="nightly"), point("c3", None), point("d4", None)),
    lambda: planned(absent(select={"managed": False}), hidden(), point("b2"), point("c3", of_another=True)),
    lambda: planned(absent(), point("a1", name="renamed", mark=mark("a1", name=name_hash("nightly"))), ours("b2")),
    lambda: planned(absent(checkpoint_id="b2"), point("a1", name="renamed"), ours("b2"), refuses=None),
    lambda: planned(absent(), cautions=CAUTIONS),
    lambda: planned(absent(), ours("a1"), ahead=120.0),
]
RESTORE: list[Callable[[], Plan]] = [
    lambda: planned(restore(), point("a1"), power="on", cautions=CAUTIONS),
    lambda: planned(restore(), point("a1"), power="unknown"),
    lambda: planned(restore(checkpoint_id="a1"), point("a1", of_another=True), power="off"),
    lambda: planned(restore(select="latest"), point("a1"), power="off", capabilities=replace(SERVICE, power=False)),
    lambda: planned(restore(name="nightly", select="oldest"), point("a1"), point("b2", "2h"), power="off"),
    lambda: planned(
        restore(**KEYED, if_running="stop", power_after="on"),
        point("t1"),
        power="on",
        capabilities=replace(SERVICE, restores="its disks and memory"),
    ),
    lambda: planned(restore(safety_checkpoint=True), point("t1", any_case=True), power="off", capabilities=UNIQUE),
    lambda: planned(restore(**KEYED), *standing("5afe"), power="off"),
    lambda: planned(restore(**KEYED), *standing("t1"), power="on"),
    lambda: planned(restore(**KEYED), *standing("t1"), power="off"),
    lambda: planned(restore(**KEYED), *standing("nothing"), power="on"),
    lambda: planned(restore(**KEYED), *standing("t1", power=None), power="unknown"),
    lambda: planned(restore(), point("a1"), power="off", memory=CheckpointProgress(power="on", restored="a1")),
    lambda: planned(restore(), point("a1"), power="on", memory=CheckpointProgress(power="unknown", restored="a1")),
    lambda: planned(
        restore(**KEYED),
        *standing("5afe"),
        power="on",
        memory=CheckpointProgress(failed=frozenset({mark("5afe").nonce})),
    ),
]


def test_plans_for_a_checkpoint_that_is_to_be_there() -> None:
    hold(Path(__file__).parent / "golden" / "present.txt", [*PRESENT, *PINS])


def test_plans_for_checkpoints_that_are_to_go() -> None:
    hold(Path(__file__).parent / "golden" / "absent.txt", ABSENT)


def test_plans_for_a_restore() -> None:
    hold(Path(__file__).parent / "golden" / "restore.txt", RESTORE)
