# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps of a restore in place are done, and what puts the VM back onto its old disks. Pure."""

from __future__ import annotations

import typing as t

from ..._core.model import ObservedVm
from ..._core.plan import Step
from .entities import DiskEntity
from .restore_state import (
    DONE,
    GIVEN_UP,
    HELD_TAG,
    POWER_TAG,
    REPLACES_TAG,
    STATE_TAG,
    VM_TAG,
    Detail,
    as_held,
    by_short,
    short_hash,
    short_name,
)


def taken(step: Step, actual: ObservedVm) -> bool:
    """Whether what was read shows the step as done."""
    detail: Detail = actual.detail
    op = step.about.get("op")
    if op == "make_collection":
        return detail.collection is not None
    if op == "create_disk":
        disk = detail.named(str(step.about["disk"]))
        return disk is not None and is_made(detail, disk)
    if op == "delete_disk":
        # Only a group that was listed can show that a disk is gone.
        short = str(step.about["disk"])
        listed = short.rpartition("/")[0].lower() in detail.groups
        return listed and by_short(detail, short) is None
    swapped = is_on(detail, step.about.get("disks") or {})
    if op == "keep":
        return swapped or all(detail.delete_option(place) != "Delete" for place in step.about.get("disks") or {})
    if op == "deallocate":
        return swapped or detail.vm.power_code == "deallocated"
    if op == "release":
        options: t.Mapping[str, str] = step.about.get("options") or {}
        return all(detail.delete_option(place) == option for place, option in options.items())
    if op == "detach":
        return swapped or not in_the_way(detail, step.about.get("disks") or {})
    if op in ("swap", "swap_back"):
        return swapped
    if op == "start":
        return swapped and actual.power == "on"
    if op in ("finish", "give_up"):
        disk = detail.named(str(step.about["disk"]))
        state = DONE if op == "finish" else GIVEN_UP
        return swapped and disk is not None and (disk.tags or {}).get(STATE_TAG) == state
    return False


def is_made(detail: Detail, disk: DiskEntity) -> bool:
    """Whether a disk has been made. `Updating` tells nothing of it: so is shown what is being made, and what was made
    and has its tags written. But a VM is only ever on disks that were.
    """
    if disk.id.lower() in {each.managed_id for each in detail.vm.disks}:
        return True
    return disk.state == "succeeded"


def is_on(detail: Detail, disks: t.Mapping[str, str]) -> bool:
    """Whether the VM has these disks (by place and short name) attached."""
    for place, name in disks.items():
        attached, disk = detail.attached(place), by_short(detail, name)
        if attached is None or disk is None or attached.managed_id != disk.id.lower():
            return False
    return bool(disks)


def in_the_way(detail: Detail, disks: t.Mapping[str, str]) -> list[str]:
    """The LUNs of `disks` that another disk is attached at."""
    found = []
    for place, name in disks.items():
        attached, disk = detail.attached(place), by_short(detail, str(name))
        if place != "os" and attached is not None and (disk is None or attached.managed_id != disk.id.lower()):
            found.append(place)
    return found


def amends(step: Step, before: ObservedVm) -> tuple[Step, ...]:
    """What puts the VM back onto its old disks after a step behind the swap has failed."""
    detail: Detail = before.detail
    new: dict[str, str] = dict(step.about.get("disks") or {})
    old = {place: name for place in new if (name := replaced(detail, place, new[place]))}
    if not old:
        return ()
    held = {place: was_held(detail, place, new[place]) for place in old}
    about = {"run": step.about.get("run"), "disks": old, "held": held}
    why = f"{step.do} failed"
    steps = [
        Step(before.vm, why, do="deallocate the VM", about={**about, "op": "deallocate"}),
        Step(before.vm, why, do="detach the new data disks", about={**about, "op": "detach"}),
        Step(before.vm, why, do="swap the old disks back", about={**about, "op": "swap_back"}),
    ]
    options = {
        place: option for place, told in held.items() if (option := as_held(told).get("deleteOption")) == "Delete"
    }
    if options:
        do = "let the old disks go with the VM again"
        steps.append(Step(before.vm, why, do=do, about={**about, "op": "release", "options": options}))
    run = str(step.about.get("run"))
    interrupted = told_power(detail.interrupted(run))  # a run before this one may have switched it off
    if (told_power(detail.of_run(run)) or (before.power if interrupted != "on" else "on")) == "on":
        steps.append(Step(before.vm, why, do="start the VM", about={**about, "op": "start"}))
    return tuple(steps)


def standing(step: Step, before: ObservedVm, now: ObservedVm) -> str:
    """Whether the VM is on, and which disks it has; empty where the run has not come to switching it off."""
    detail: Detail = now.detail
    run = str(step.about.get("run"))
    made = detail.of_run(run)
    began = told_power(made) or before.power
    if step.about.get("op") in ("create_disk", "keep") and now.power == began:
        return ""
    untold = f'shown as "{detail.vm.power_code}"' if detail.vm.power_code else "not shown as on or off"
    shown = {"on": "running", "off": "off"}.get(now.power, untold)
    was = "; it ran when the restore began" if began == "on" and now.power != "on" else ""
    held: dict[str, list[str]] = {"new": [], "old": [], "no": []}
    for place in sorted(made, key=lambda place: (place != "os", place)):
        attached = detail.attached(place)
        entity = detail.disks.get(attached.managed_id) if attached else None
        name = entity.name if entity else attached.name if attached else None
        kind = "no" if attached is None else "new" if attached.managed_id == made[place].id.lower() else "old"
        held[kind].append(f"{place} ({name})" if name else place)
    disks = [f"{kind} disk at {', '.join(places)}" for kind, places in held.items() if places]
    return f"The VM is {shown}{was}, with {' and '.join(disks) or 'the disks that it had'}."


def replaced(detail: Detail, place: str, new: str) -> str | None:
    """`group/name` of the disk that the new one takes the place of: attached now, or told by the new one's tag.

    A tag is a claim: it counts only for a disk that a point of the VM names as its own, or that a restore of it made.
    """
    made = detail.named(new)
    attached = detail.attached(place)
    if made is None and attached is None:
        made = detail.interrupted("").get(place)  # what a run before this one has detached
    told = (made.tags or {}).get(REPLACES_TAG) if made is not None else None
    if told:
        disk = by_short(detail, told)
        return told if disk is None or is_the_vms(detail, disk) else None
    managed = attached.managedDisk if attached else None
    return short_name(managed.id) if managed and managed.id else None


def is_the_vms(detail: Detail, disk: DiskEntity) -> bool:
    """Whether a disk that is told by a tag is the VM's own: attached, in a point of it, or made by a restore of it."""
    points = (detail.collection.properties.restorePoints or []) if detail.collection else []
    known = {each.managed_id for point in points for each in point.disks} | {
        each.managed_id for each in detail.vm.disks
    }
    return disk.id.lower() in known or (disk.tags or {}).get(VM_TAG) == short_hash(detail.vm.id)


def was_held(detail: Detail, place: str, new: str) -> str:
    """How the VM held the disk that the new one takes the place of, before any run began to change that."""
    made, earlier = detail.named(new), detail.interrupted("").get(place)
    old = replaced(detail, place, new)
    for disk in (made, earlier):
        tags = (disk.tags or {}) if disk is not None else {}
        if tags.get(HELD_TAG) and old is not None and tags.get(REPLACES_TAG, "").lower() == old.lower():
            return tags[HELD_TAG]
    return detail.held(place)


def told_power(made: t.Mapping[str, DiskEntity]) -> str | None:
    """The power state that the run began with, as its disks' tags remember it."""
    return next((tags[POWER_TAG] for disk in made.values() if (tags := disk.tags or {}).get(POWER_TAG)), None)
