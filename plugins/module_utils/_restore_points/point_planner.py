# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan for a restore point: pure, like the planner for VMs."""

from __future__ import annotations

import typing as t

from .._core.errors import Downgraded, LimitReached, Pinned
from .._core.model import Obstacle
from .._core.pins import Pin
from .._core.plan import Action, Plan, refuse_obstructed
from .._core.targets import Target
from .._providers.compute.entities import PointEntity
from .._providers.compute.usability import is_copy, percent, usability
from .._providers.compute.vm_entities import VmEntity
from .actions import CreateResource, DeleteResource, NoOp
from .changes import set_fields
from .consistency import foreseen, os_type_of
from .drift import drift
from .specs import PointSpec
from .states import GOING, created_at, how_failed, is_present, why_kept

MAX_POINTS = 500
"""Per VM, over all its collections (support matrix); only those of the one at hand are counted here."""


def plan_point(
    spec: PointSpec,
    subject: Target,
    now: PointEntity | None,
    vm: VmEntity | None,
    obstacles: t.Sequence[Obstacle],
    fields: t.Mapping[str, t.Any],
    count: int,
    pin: Pin | None,
) -> Plan:
    """What a restore point needs. One that failed is not present: it goes and is made again, unless it is pinned.

    `vm` is the collection's source where that is a VM and was read, `fields` what a new point is made with, `count` how
    many points the collection holds, `pin` the one that holds the point.
    """
    if not spec.is_wanted:
        return Plan(subject, _delete_point(subject, now, obstacles, None if spec.ignore_pin else pin))
    if is_present(now):
        kept = NoOp(subject, _why_kept(now))
        differs = drift(spec, now, fields, os_type_of(now, vm))
        return Plan(subject, (kept,), _of_another(now, vm) + _drift_warnings(spec, differs), drift=differs)
    actions: list[Action] = []
    why = "it does not exist"
    if now is not None:
        why = GOING if now.state == "deleting" else how_failed(now)
    if now is not None and now.state != "deleting":
        _refuse_pinned(pin, why)
        actions.append(DeleteResource(subject, why, created=created_at(now)))
    actions.append(CreateResource(subject, why, fields=set_fields(fields)))
    refuse_obstructed(actions, obstacles)
    if count + (now is None) > MAX_POINTS:
        raise LimitReached(
            f"its collection holds {count} restore points, and a VM may have {MAX_POINTS}.",
            remedy="Remove some first.",
            changed_nothing=True,
        )
    return Plan(subject, tuple(actions), foreseen(spec, vm) if vm is not None else ())


def _of_another(now: PointEntity, vm: VmEntity | None) -> tuple[str, ...]:
    """That a point which is there by its name is no way back for the VM that there is now."""
    if vm is None or not now.is_of_another(vm):
        return ()
    return (f"it is of another VM that had the name {vm.name}; a point of the VM that has it now needs another name.",)


def _drift_warnings(spec: PointSpec, differs: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    """What an existing point is not that the spec asks for. Nothing can change it: that is a warning, or refused."""
    achieved = [each["actual"] for each in differs if each["field"] == "consistency"]
    if spec.on_downgrade == "fail" and achieved:
        raise Downgraded(
            f"application consistency is asked for, and it is {achieved[0]}. The restore point is kept.",
            remedy="Remove it to have it made anew, or set consistency: crash or on_downgrade: warn.",
        )
    if not differs:
        return ()
    named = ", ".join(str(each["field"]) for each in differs)
    return (f"{named} is not as asked for, and a point cannot be changed; see drift.",)


def _delete_point(
    subject: Target, now: PointEntity | None, obstacles: t.Sequence[Obstacle], pin: Pin | None
) -> tuple[Action, ...]:
    if now is None:
        return ()
    if now.state == "deleting":
        return (NoOp(subject, GOING),)
    _refuse_pinned(pin, "state is absent")
    gone = DeleteResource(subject, "state is absent", created=created_at(now))
    refuse_obstructed([gone], obstacles)
    return (gone,)


def _refuse_pinned(pin: Pin | None, why: str) -> None:
    if pin is not None:
        raise Pinned(
            f"it is {pin.shown()}, so it is not removed ({why}).",
            remedy="Lift the pin with vm_checkpoint, pin: false; or set state: absent and ignore_pin: true.",
            changed_nothing=True,
        )


def _why_kept(now: PointEntity) -> str:
    """Why an existing point is enough; that of a copy tells how far it is."""
    if is_copy(now) and usability(now) != "usable":
        done = percent(now)
        return "it is being copied" if done is None else f"it is being copied, {done} % so far"
    return why_kept(now.state)
