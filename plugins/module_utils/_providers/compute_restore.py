# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place on Azure: which steps, and which of them are done. Pure.

    disks from the point ─ [keep the old] ─ deallocate ─ [detach] ─ swap ─ [start] ─ [old disks go] ─ mark as done

New disks have names that follow from the run (`<vm>-<os|lunN>-<run>`) and tags that say what they are for, so a run
that was killed anywhere is taken up by the next one: what is done is seen by reading. With a restore_key the run
follows from the key; without one from the point and the disks the VM had, so a finished restore is a new one when it is
asked for again.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from .._errors import BadAnswer, InvalidInput, OutcomeUnknown
from .._model import Checkpoint, Inventory, Staged
from .._plan import Step
from .._wish import RestoreTo, terms
from .compute_entities import CollectionEntity, Disk, DiskEntity, PointEntity, VmEntity

RUN_TAG = "hybridvm-restore-run"
STATE_TAG = "hybridvm-restore-state"
POINT_TAG = "hybridvm-restore-point"
POWER_TAG = "hybridvm-restore-power"
REPLACES_TAG = "hybridvm-restore-replaces"
DELETE_OPTION_TAG = "hybridvm-restore-delete-option"
VM_TAG = "hybridvm-restore-vm"
POINT_ID_TAG = "hybridvm-restore-point-id"


Item = t.TypeVar("Item")


@dataclass(frozen=True)
class Detail:
    """What was read of an Azure VM besides its checkpoints. `disks` are those of `groups`, by lower-case id."""

    vm: VmEntity
    raw: t.Mapping[str, t.Any]
    etag: str | None
    group: str
    collection: CollectionEntity | None
    disks: t.Mapping[str, DiskEntity]
    groups: frozenset[str] = frozenset()

    def delete_option(self, place: str) -> str:
        """What becomes of the disk there when the VM goes, or with some services when it is detached."""
        profile = self.raw["properties"]["storageProfile"]
        disks = [profile.get("osDisk") or {}] if place == "os" else profile.get("dataDisks") or []
        found = next((d for d in disks if place == "os" or f"lun{d.get('lun')}" == place), {})
        return str(found.get("deleteOption") or "")

    def point(self, checkpoint_id: str) -> PointEntity | None:
        """The restore point behind a checkpoint."""
        points = (self.collection.properties.restorePoints or []) if self.collection else []
        return next((p for p in points if p.id.lower() == checkpoint_id.lower()), None)

    def named(self, name: str) -> DiskEntity | None:
        """The disk of that name in the VM's resource group."""
        ends = f"/resourcegroups/{self.group.lower()}/providers/microsoft.compute/disks/{name.lower()}"
        return next((disk for key, disk in self.disks.items() if key.endswith(ends)), None)

    def attached(self, place: str) -> Disk | None:
        """The disk that the VM has there now."""
        return next((disk for disk in self.vm.disks if disk.place == place), None)

    @property
    def _ours(self) -> list[DiskEntity]:
        """The disks that restores of this very VM have made."""
        wanted = short_hash(self.vm.id)
        return [disk for disk in self.disks.values() if (disk.tags or {}).get(VM_TAG) == wanted]

    def given_up(self, run: str) -> list[str]:
        """The disks that other restores of this VM have made and left unfinished."""
        tags = {disk.name: disk.tags or {} for disk in self._ours}
        return sorted(n for n, told in tags.items() if told.get(STATE_TAG) == "pending" and told.get(RUN_TAG) != run)

    def unfinished(self, point_id: str) -> str:
        """The run that an earlier restore of this VM to that very point has begun and not ended, if there is one."""
        for disk in self._ours:
            tags = disk.tags or {}
            if tags.get(STATE_TAG) == "pending" and tags.get(POINT_ID_TAG) == short_hash(point_id):
                return tags.get(RUN_TAG, "")
        return ""

    def of_run(self, run: str) -> dict[str, DiskEntity]:
        """The disks that a run of this VM has made, by place."""
        made = [disk for disk in self._ours if (disk.tags or {}).get(RUN_TAG) == run]
        return {
            place: disk
            for disk in made
            for place in [_place_in(disk.name)]
            if disk_name(self.vm.name, place, run) == disk.name
        }


def restore_steps(wish: RestoreTo, actual: Inventory, target: t.Callable[[], Checkpoint], power_before: str) -> Staged:
    """The steps still to do. An earlier run is found by its disks' tags; a finished one with the key is the end."""
    detail: Detail = actual.detail
    run, made = _earlier(wish, detail)
    if made and wish.restore_key is not None:
        _same_target(wish, actual, made)
    aside = None
    if made and wish.restore_key is None and not _is_for(made, target()):
        # Somebody began another restore and did not end it; this one begins anew from where the VM is.
        aside, run, made = _told_power(made), "", {}
    if made and wish.restore_key is not None and _is_done(made):
        stands = _point_of(actual, made)
        return Staged(stands, (), done=f"restore_key: run {run} with this key has ended; its disks are {_names(made)}")
    if made:
        point = _point_of(actual, made)
        tags = next(iter(made.values())).tags or {}
        power_before = _told_power(made) or power_before
        if point is None:
            raise OutcomeUnknown(
                f"an earlier restore (run {run}) has begun and its restore point {tags.get(POINT_TAG)} is gone; it can "
                "neither be ended nor begun anew.",
                subject=str(actual.vm),
                remedy=f"Look at the VM and its disks {_names(made)}; remove those that are not attached.",
            )
    else:
        point = target()
        run = run or detail.unfinished(point.id) or _first_run(detail, actual.vm.canonical, point)
        while _is_done(made := detail.of_run(run)):
            # An ended run's disks have been written to since; the same restore once more takes fresh ones.
            run = _run(run, "again")
        power_before = _told_power(made) or aside or power_before
    steps, warnings = _steps(wish, actual, point, run, power_before)
    left = tuple(step for step in steps if not taken(step, actual))
    return Staged(point, left, resumed=bool(made), warnings=warnings)


def _is_for(made: t.Mapping[str, DiskEntity], point: Checkpoint) -> bool:
    return any((disk.tags or {}).get(POINT_ID_TAG) == short_hash(point.id) for disk in made.values())


def _same_target(wish: RestoreTo, actual: Inventory, made: t.Mapping[str, DiskEntity]) -> None:
    """A key names one restore: asked for another target with it, something is meant that the key would hide."""
    wanted = actual.by_id(wish.checkpoint_id) if wish.checkpoint_id else None
    told = {(disk.tags or {}).get(POINT_TAG, "").rsplit("/", 1)[-1] for disk in made.values()}
    names = [c for c in actual.checkpoints if _is_for(made, c)]
    same = all(c.is_named(wish.name) for c in names) if wish.name else wanted is None or _is_for(made, wanted)
    if not same:
        raise InvalidInput(
            f"restore_key: it was used for a restore to {', '.join(sorted(told))}. Nothing was changed.",
            subject=str(actual.vm),
            remedy="Give each restore a key of its own.",
        )


def _first_run(detail: Detail, vm: str, point: Checkpoint) -> str:
    return _run(vm, point.id, *sorted(disk.managed_id for disk in detail.vm.disks))


def _earlier(wish: RestoreTo, detail: Detail) -> tuple[str, dict[str, DiskEntity]]:
    """The run to go on with, and the disks it has made; without a key one that has swapped but not ended."""
    if wish.restore_key is not None:
        run = _run(detail.vm.id.lower(), "key", wish.restore_key)
        return run, detail.of_run(run)
    attached = [disk for a in detail.vm.disks if (disk := detail.disks.get(a.managed_id)) is not None]
    for run in sorted({(disk.tags or {}).get(RUN_TAG, "") for disk in attached} - {""}):
        made = detail.of_run(run)
        if not _is_done(made):
            return run, made
    return "", {}


def _steps(
    wish: RestoreTo, actual: Inventory, point: Checkpoint, run: str, power_before: str
) -> tuple[list[Step], tuple[str, ...]]:
    """All steps of the run, done or not."""
    detail: Detail = actual.detail
    entity = detail.point(point.id)
    disks = entity.disks if entity else []
    if not disks:
        raise BadAnswer(f"restore point {point.name} is shown without its disks.", subject=str(actual.vm))
    wanted = power_before if wish.power_after in (None, "previous") else wish.power_after
    new = {disk.place: disk_name(detail.vm.name, disk.place, run) for disk in disks}
    _refuse_strangers(actual, new, disks)
    old = {place: _replaced(detail, place, name) for place, name in new.items()}
    shared: dict[str, t.Any] = {
        "run": run,
        "point": f"{entity.id.split('/')[-3]}/{entity.name}" if entity else point.name,
    }
    shared["point_id"] = short_hash(point.id)
    if told := terms(wish):
        shared["terms"] = told

    def step(do: str, reason: str, *, undo: bool = False, **about: t.Any) -> Step:
        return Step(actual.vm, reason, do=do, about={**about, **shared}, undo=undo)

    why = f'restore in place to "{point.name}"'
    steps = [
        step(
            f"create disk {name}",
            why,
            op="create_disk",
            disk=name,
            place=place,
            power=power_before,
            replaces=old[place] or "",
            delete_option=detail.delete_option(place),
        )
        for place, name in new.items()
    ]
    if any(detail.delete_option(place) == "Delete" for place in new):
        steps.append(
            step("keep the old disks when they are detached", "their deleteOption is Delete", op="keep", disks=new)
        )
    steps.append(step("deallocate the VM", "its OS disk can only be swapped then", op="deallocate", disks=new))
    if any(place != "os" for place in new):
        # Another disk at a LUN in one request is refused ("Changing property dataDisk.managedDisk.id is not allowed").
        steps.append(step("detach its data disks", why, op="detach", disks=new, undo=True))
    steps.append(step("swap its disks", why, op="swap", disks=new, undo=True))
    if wanted == "on":
        steps.append(
            step("start the VM", f"power_after is {wish.power_after or 'previous'}", op="start", disks=new, undo=True)
        )
    if wish.old_disks == "delete":
        gone = [name for name in old.values() if name]
        steps += [step(f"delete disk {name}", "old_disks is delete", op="delete_disk", disk=name) for name in gone]
    # The lead disk is the last: its tag says that all of it is done. Disks of runs that were given up end here too.
    lead = _lead(new)
    ending = [*detail.given_up(run), *(name for name in new.values() if name != lead), lead]
    for name in ending:
        do = "mark the run as done" if name == lead else f"mark disk {name} as done"
        steps.append(step(do, "so that it is not taken for unfinished", op="finish", disks=new, disk=name))
    kept = sorted(disk.place for disk in detail.vm.disks if disk.place not in new)
    warnings: tuple[str, ...] = ()
    if kept:
        warnings = (f"{actual.vm}: the point holds no {', '.join(kept)}; what is attached there stays as it is.",)
    return steps, warnings


def taken(step: Step, actual: Inventory) -> bool:
    """Whether what was read shows the step as done."""
    detail: Detail = actual.detail
    op = step.about.get("op")
    if op == "make_collection":
        return detail.collection is not None
    if op == "create_disk":
        disk = detail.named(str(step.about["disk"]))
        return disk is not None and (disk.properties.provisioningState or "Succeeded").lower() == "succeeded"
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
    if op == "detach":
        return swapped or not in_the_way(detail, step.about.get("disks") or {})
    if op in ("swap", "swap_back"):
        return swapped
    if op == "start":
        return swapped and actual.power == "on"
    if op == "finish":
        disk = detail.named(str(step.about["disk"]))
        return swapped and disk is not None and (disk.tags or {}).get(STATE_TAG) == "done"
    return False


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


def amends(step: Step, before: Inventory) -> tuple[Step, ...]:
    """What puts the VM back onto its old disks after a step behind the swap has failed."""
    detail: Detail = before.detail
    new: dict[str, str] = dict(step.about.get("disks") or {})
    old = {place: name for place in new if (name := _replaced(detail, place, new[place]))}
    if not old:
        return ()
    about = {"run": step.about.get("run"), "disks": old}
    why = f"{step.do} failed"
    steps = [
        Step(before.vm, why, do="deallocate the VM", about={**about, "op": "deallocate"}),
        Step(before.vm, why, do="detach the new data disks", about={**about, "op": "detach"}),
        Step(before.vm, why, do="swap the old disks back", about={**about, "op": "swap_back"}),
    ]
    run = str(step.about.get("run"))
    if (_told_power(detail.of_run(run)) or before.power) == "on":
        steps.append(Step(before.vm, why, do="start the VM", about={**about, "op": "start"}))
    return tuple(steps)


def _replaced(detail: Detail, place: str, new: str) -> str | None:
    """`group/name` of the disk that the new one takes the place of: attached now, or told by the new one's tag.

    A tag is a claim: it counts only for a disk that a point of the VM names as its own, or that a restore of it made.
    """
    made = detail.named(new)
    told = (made.tags or {}).get(REPLACES_TAG) if made is not None else None
    if told:
        disk = by_short(detail, told)
        points = (detail.collection.properties.restorePoints or []) if detail.collection else []
        known = {d.managed_id for point in points for d in point.disks} | {d.managed_id for d in detail.vm.disks}
        ours = disk is not None and (
            disk.id.lower() in known or (disk.tags or {}).get(VM_TAG) == short_hash(detail.vm.id)
        )
        return told if disk is None or ours else None
    attached = detail.attached(place)
    return _short(attached.managedDisk.id) if attached and attached.managedDisk and attached.managedDisk.id else None


def by_short(detail: Detail, short: str) -> DiskEntity | None:
    """The disk of `group/name`, or of a name in the VM's own group."""
    group, _slash, name = short.rpartition("/")
    if not group:
        return detail.named(name)
    ends = f"/resourcegroups/{group.lower()}/providers/microsoft.compute/disks/{name.lower()}"
    return next((disk for key, disk in detail.disks.items() if key.endswith(ends)), None)


def _short(disk_id: str) -> str:
    """`group/name`: a tag's value holds 256 characters, an id can be longer."""
    parts = disk_id.split("/")
    return f"{parts[4]}/{parts[8]}" if len(parts) == 9 else disk_id


def _point_of(actual: Inventory, made: t.Mapping[str, DiskEntity]) -> Checkpoint | None:
    return next((c for c in actual.checkpoints if _is_for(made, c)), None)


def _told_power(made: t.Mapping[str, DiskEntity]) -> str | None:
    """The power state that the run began with, as its disks' tags remember it."""
    return next((tags[POWER_TAG] for disk in made.values() if (tags := disk.tags or {}).get(POWER_TAG)), None)


def _is_done(made: t.Mapping[str, DiskEntity]) -> bool:
    """The run's end is told by one disk's tag: the OS disk's, where the point holds it."""
    return bool(made) and (_lead(made).tags or {}).get(STATE_TAG) == "done"


def _lead(disks: t.Mapping[str, Item]) -> Item:
    return disks["os"] if "os" in disks else disks[min(disks)]


def _names(made: t.Mapping[str, DiskEntity]) -> str:
    return ", ".join(sorted(disk.name for disk in made.values()))


def disk_name(vm: str, place: str, run: str) -> str:
    """At most 80 characters, as Azure allows; the run tells VMs apart whose names begin alike."""
    return f"{vm[:58]}-{place}-{run}"


def _place_in(name: str) -> str:
    parts = name.rsplit("-", 2)
    return parts[1] if len(parts) == 3 else ""


def _refuse_strangers(actual: Inventory, new: t.Mapping[str, str], disks: t.Sequence[Disk]) -> None:
    """A disk that only bears the name is not this restore's: names follow from what anybody can know."""
    sources = {disk.place: (disk.diskRestorePoint.id or "") for disk in disks if disk.diskRestorePoint}
    for place, name in new.items():
        found = actual.detail.named(name)
        made_from = found.properties.creationData if found else None
        if (
            found
            and sources.get(place)
            and (not made_from or (made_from.sourceResourceId or "").lower() != sources[place].lower())
        ):
            raise InvalidInput(
                f"a disk named {name} exists and was not made from that restore point. Nothing was changed.",
                subject=str(actual.vm),
                remedy="Remove that disk, or use another restore_key.",
            )


def short_hash(resource_id: str) -> str:
    """What a tag holds of an id, which may be longer than a tag's value."""
    return _run("id", resource_id.strip("/"))


def _run(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).lower().encode()).hexdigest()[:12]
