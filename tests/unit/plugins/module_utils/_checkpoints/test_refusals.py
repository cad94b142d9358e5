# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that plans for a VM's checkpoints refuse, each as the whole line that a user reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import selection
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import id_hash, key_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    TIMELESS,
    UNIQUE,
    absent,
    chain,
    having,
    hidden,
    mark,
    ours,
    planned,
    point,
    present,
    restore,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import Ask, hold

MARKLESS = replace(SERVICE, restore_in_place=False, power=False)
KEY = key_hash("cab-7")
KEYED: dict[str, Any] = {"restore_key": "cab-7", "safety_checkpoint": True}


def asked(spec: Spec, *points: Checkpoint, on: Capabilities = SERVICE, **fields: Any) -> Plan:
    return planned(spec, *points, capabilities=on, **fields)


def pinned(point_id: str, **fields: Any) -> Checkpoint:
    return ours(point_id, mark=mark(point_id, pin=True, **fields))


def many(count: int, **fields: Any) -> list[Checkpoint]:
    return [point(f"n{number}", f"{number + 1}h", **fields) for number in range(count)]


def stood(on: str, *, known: bool = True, usability: str = "usable", target: str = "t1") -> dict[str, Any]:
    """The target and the safety checkpoint of an earlier run on it; the VM stands `on` one of them."""
    made = mark("5", safety=True, key=KEY, target=id_hash(target))
    safety = point("s1", "1h", name="safety before restore to nightly", usability=usability, mark=made)
    line = chain(point("t1", "2h"), safety)
    return {"points": [replace(each, current=each.id == on) for each in line], "current_known": known}


def keyed(found: dict[str, Any], *more: Checkpoint, **options: Any) -> Plan:
    return planned(restore(**{**KEYED, **options}), *found["points"], *more, current_known=found["current_known"])


LATER = NOW + timedelta(hours=1)
UNTIMED = [point("a", None), point("b", None)]
LOCK = Obstacle(("create", "delete"), "a lock forbids it.", "Have it removed.")

REFUSED: list[Ask] = [
    lambda: asked(present(name="Nightly!"), on=UNIQUE),
    lambda: asked(present(name="a-rather-long-series", max_age="1d"), on=UNIQUE),
    lambda: asked(present(checkpoint_id="zz"), *many(2)),
    lambda: asked(present(checkpoint_id="zz"), *many(20)),
    lambda: asked(present(checkpoint_id="zz"), *many(21)),
    lambda: asked(present(checkpoint_id="zz"), *many(22), point("x", None, name="undated")),
    lambda: asked(present(checkpoint_id="zz")),
    lambda: asked(present(checkpoint_id="n0", name="weekly"), *many(1)),
    lambda: asked(present(), refuses="Deleting"),
    lambda: asked(present(), obstacles=(LOCK,)),
    lambda: asked(present(), *many(50, name="other")),
    lambda: asked(present(description="d"), *many(2)),
    lambda: asked(present(description="d"), *many(21)),
    lambda: asked(present(description="d"), *many(22)),
    lambda: asked(present(description="d", on_ambiguous="newest"), *UNTIMED),
    lambda: asked(present(description="d", on_ambiguous="oldest"), point("a"), point("b")),
    lambda: asked(present(), point("a", usability="unusable", of_another=True), on=UNIQUE),
    lambda: asked(present(), replace(pinned("a1"), usability="unusable"), on=UNIQUE),
    lambda: asked(present(pin=True, pin_lock=True)),
    lambda: asked(present(pin=True, pin_lock=True), ours("a1")),
    lambda: asked(present(pin=True), point("a")),
    lambda: asked(present(pin=True), ours("a1"), on=TIMELESS),
    lambda: asked(present(pin=False), pinned("a1"), on=TIMELESS),
    lambda: asked(present(pin=False), pinned("a1", until=LATER), on=TIMELESS),
    lambda: asked(present(pin=True, pin_until="1d"), point("a", None), on=UNIQUE),
    lambda: asked(absent(checkpoint_id="n0", name="weekly"), *many(1)),
    lambda: asked(absent(checkpoint_id="zz"), on=replace(SERVICE, id_pattern="[0-9a-f]+", id_rule="a number")),
    lambda: asked(absent(), hidden()),
    lambda: asked(absent(), *many(2)),
    lambda: asked(absent(), pinned("a1")),
    lambda: asked(absent(), pinned("a1", until=LATER)),
    lambda: asked(absent(on_ambiguous="all"), *(pinned(f"a{number}") for number in range(22))),
    lambda: asked(absent(), point("a1"), obstacles=(LOCK,)),
    lambda: asked(restore(), on=MARKLESS),
    lambda: asked(restore(power_after="on"), on=replace(SERVICE, power=False)),
    lambda: asked(restore(if_running="stop"), on=replace(SERVICE, power=False)),
    lambda: asked(restore(restore_key="cab-7"), point("a")),
    lambda: asked(restore()),
    lambda: asked(restore(), point("x", name="other")),
    lambda: asked(restore(), point("a", usability="unusable"), point("b", usability="unknown")),
    lambda: asked(restore(), point("a", of_another=True)),
    lambda: asked(restore(), point("a", of_another=True), point("b", usability="unknown")),
    lambda: asked(restore(checkpoint_id="zz"), point("a")),
    lambda: asked(restore(checkpoint_id="zz")),
    lambda: asked(restore(select="latest")),
    lambda: asked(restore(select="latest"), ours("a1", mark=mark("a1", safety=True))),
    lambda: asked(restore(select={"older_than": "3d"}), *many(2)),
    lambda: asked(restore(select={"name_matches": "night"}), *many(2)),
    lambda: asked(restore(select={"name_matches": "nightly"}), *many(2)),
    lambda: asked(restore(select={"older_than": "30m"}), point("a", None), point("b")),
    lambda: asked(restore(), *many(2)),
    lambda: asked(restore(if_running="fail"), point("a"), power="on"),
    lambda: asked(restore(if_running="fail"), point("a"), power="unknown"),
    lambda: keyed(stood("s1"), name="weekly"),
    lambda: keyed(stood("s1"), point("o1"), name=None, checkpoint_id="o1"),
    lambda: keyed(stood("s1", target="gone")),
    lambda: keyed(stood("t1", known=False)),
    lambda: keyed(stood("t1", usability="unknown")),
    lambda: keyed({**stood("t1"), "points": [replace(each, root=each.id) for each in stood("t1")["points"]]}),
    lambda: selection.newest(having(*UNTIMED), UNTIMED),
    lambda: selection.oldest(having(point("a"), point("b")), [point("a"), point("b")]),
]


def test_what_is_refused() -> None:
    hold(Path(__file__).parent / "golden" / "refusals.txt", REFUSED)
