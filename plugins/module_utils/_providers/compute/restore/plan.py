# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place on Azure: which steps. Pure.

    disks from the point ─ [keep the old] ─ deallocate ─ [detach] ─ swap ─ [start] ─ [old disks go] ─ mark as done

New disks have names that follow from the run (`<vm>-<os|lunN>-<run>`) and tags that say what they are for, so a run
that was killed anywhere is taken up by the next one: what is done is seen by reading. With a restore_key the run
follows from the key; without one from the point and the disks the VM had, so a finished restore is a new one when it is
asked for again. A run whose point has gone before the VM was on its disks has restored nothing: another replaces it;
one whose VM was on them by then needs no point to end.
"""

from __future__ import annotations

import typing as t

from ...._core.capabilities import RestorePlan
from ...._core.errors import BadResponse, InvalidInput, MissingCheckpoint
from ...._core.model import Checkpoint, ObservedVm
from ...._core.ownership import read_generated
from ...._core.spec import RestoreRequest
from ..state import Attachment, AzureVmState
from ..steps import MakeCollection
from ..tags import DONE, RestoreTags, disk_name, hashed, lead_slot, short_hash, source_hash
from .base import RestoreRun, RestoreStep
from .disk_steps import CreateDisk, DeleteDisk, MarkDone, MarkGivenUp, MarkRunDone
from .refusals import (
    refuse_another_system,
    refuse_elsewhere,
    refuse_no_os_disk,
    refuse_strangers,
    refuse_unknown_power,
    refuse_unusable,
)
from .runs import (
    RestoredDisks,
    abandoned,
    describe_vm,
    disks_of,
    held_before,
    interrupted,
    is_spent,
    left_open,
    replaced_by,
    unfinished,
)
from .vm_steps import Deallocate, DetachDataDisks, KeepDisks, Start, SwapDisks
from .warnings import disk_warnings, vm_warnings


def restore_steps(
    spec: RestoreRequest,
    actual: ObservedVm,
    target: t.Callable[[], Checkpoint],
    power_before: str,
    under_way: str | None = None,
) -> RestorePlan:
    """The steps still to do. An earlier run is found by its disks' tags; a finished one with the key is the end.

    `under_way` is the run that this very task has begun: planning anew it stays with it, whoever has ended it since.
    """
    state: AzureVmState = actual.detail
    run = under_way or _earlier(spec, state)
    disks = disks_of(state, run)
    if under_way and disks.is_done:
        return RestorePlan(_point_of(actual, disks), (), done=f"run {run} of it has been ended by another task")
    if disks and spec.restore_key is not None:
        _same_target(spec, actual, disks)
        if disks.is_done:
            done = f"restore_key: run {run} with this key has ended; its disks are {disks.names}"
            return RestorePlan(_point_of(actual, disks), (), done=done)
    begun_with = disks.power
    if disks and spec.restore_key is None and not under_way and not _is_wanted(spec, actual, disks, target):
        # Somebody began another restore and did not end it; this one begins anew from where the VM is.
        run, disks = "", RestoredDisks()
    if disks:
        # Its point may have gone since: the VM was on the new disks by then, and what is left needs no point.
        point = _point_of(actual, disks)
    else:
        point = _target(target, state)
        run = run or unfinished(state, point.id) or _first_run(state, actual.vm.canonical, point)
        while (disks := disks_of(state, run)).is_done or is_spent(state, disks) or not _is_from(state, disks, point):
            # An ended run's disks have been written to since; the same restore once more takes fresh ones.
            run = hashed(run, "again")
    begun_with = disks.power or begun_with
    warnings: list[str] = []
    if begun_with is None and power_before != "on" and interrupted(state, run).power == "on":
        begun_with = "on"
        warnings.append("it is off, and a restore that was interrupted found it on; so it counts as on.")
    power_before = begun_with or power_before
    refuse_unknown_power(spec, actual, power_before)
    if disks and not under_way:
        warnings.append(f"an earlier run has begun this restore ({run}); what is left of it is done.")
    steps, more = _steps(spec, actual, point, run, power_before)
    left = tuple(step for step in steps if not step.is_done(actual))
    return RestorePlan(point, left, resumed=bool(disks), warnings=(*warnings, *more))


def _earlier(spec: RestoreRequest, state: AzureVmState) -> str:
    """The run to go on with; without a key one that has swapped but not ended, if there is one."""
    if spec.restore_key is not None:
        run = hashed(state.vm.id, "key", spec.restore_key)
        while is_spent(state, disks_of(state, run)):
            run = hashed(run, "again")
        return run
    attached = [disk for each in state.vm.disks if (disk := state.disks.get(each.managed_id)) is not None]
    for run in sorted({RestoreTags.of(disk).run for disk in attached} - {""}):
        disks = disks_of(state, run)
        if disks and not disks.is_done:
            return run
    return ""


def _first_run(state: AzureVmState, vm: str, point: Checkpoint) -> str:
    return hashed(vm, point.id, *sorted(disk.managed_id for disk in state.vm.disks))


def _is_wanted(
    spec: RestoreRequest, actual: ObservedVm, disks: RestoredDisks, target: t.Callable[[], Checkpoint]
) -> bool:
    """Whether the run that has swapped to these disks is the restore that is asked for."""
    try:
        return _is_from(actual.detail, disks, target())
    except MissingCheckpoint as problem:
        tags = disks.lead
        if _is_named(spec, actual, tags):
            return True
        problem.notes.append(
            f"A restore to {tags.point} has begun and not ended. {describe_vm(tags.run, actual, actual)}"
        )
        problem.remedy = (
            f'Run the restore to "{tags.point.rpartition("/")[2]}" again: it ends without its restore point. '
            "Or restore to another checkpoint."
        )
        raise


def _is_named(spec: RestoreRequest, actual: ObservedVm, tags: RestoreTags) -> bool:
    """Whether a point that has gone is the one that is asked for; which was the latest, nobody knows any more."""
    home, _slash, name = tags.point.rpartition("/")
    if spec.name is None:
        return tags.point_id == short_hash(spec.checkpoint_id or "")
    series, _owned = read_generated(name) or (None, None)
    gone = Checkpoint(id="", name=name, series=series, any_case=True)
    return _home(actual).lower() == home.lower() and gone.matches_name(spec.name)


def _home(actual: ObservedVm) -> str:
    """What the collection is called that the task is about, also where it does not exist (any more)."""
    if actual.detail.collection is not None:
        return str(actual.detail.collection.name)
    return next((step.home.name for step in actual.prelude if isinstance(step, MakeCollection)), "")


def _target(target: t.Callable[[], Checkpoint], state: AzureVmState) -> Checkpoint:
    """The point of a run that begins; where there is none, the error also says what an earlier run has left."""
    try:
        return target()
    except MissingCheckpoint as problem:
        if left := abandoned(state):
            begun = "An earlier restore has begun, and its point has gone before the VM was on the new disks"
            problem.notes.append(f"{begun} ({left.names}).")
            problem.remedy = _way_back(state, left)
        raise


def _way_back(state: AzureVmState, left: RestoredDisks) -> str:
    """What to do by hand to have the VM as it was before the restore that has left these disks."""
    old = [state.disk(tags.replaces) for tags in left.tags]
    missing = sorted(disk.name for disk in old if disk is not None and disk.id.lower() not in state.attached_ids)
    todo = [f"attach {', '.join(missing)} again"] if missing else []
    if left.power == "on" and state.vm.power != "on":
        todo.append("start the VM")
    by_hand = f" To have the VM as it was: {', '.join(todo)}." if todo else ""
    return f"Restore to another checkpoint, or remove those disks.{by_hand}"


def _point_of(actual: ObservedVm, disks: RestoredDisks) -> Checkpoint | None:
    return next((point for point in actual.checkpoints if _is_from(actual.detail, disks, point)), None)


def _is_from(state: AzureVmState, disks: RestoredDisks, point: Checkpoint) -> bool:
    """Whether the disks were made of that very point: another may have been made under its name and id since."""
    if not disks:
        return True
    entity = state.point(point.id)
    sources = {source_hash(disk) for disk in entity.disks} if entity else set()
    return _is_for(disks, point) and all(tags.source in sources for tags in disks.tags)


def _is_for(disks: RestoredDisks, point: Checkpoint) -> bool:
    return any(tags.point_id == short_hash(point.id) for tags in disks.tags)


def _same_target(spec: RestoreRequest, actual: ObservedVm, disks: RestoredDisks) -> None:
    """A key names one restore: asked for another target with it, something is meant that the key would hide."""
    wanted = actual.by_id(spec.checkpoint_id) if spec.checkpoint_id else None
    points = [point for point in actual.checkpoints if _is_for(disks, point)]
    same = all(point.matches_name(spec.name) for point in points) if spec.name else not wanted or _is_for(disks, wanted)
    if not same:
        names = ", ".join(sorted({tags.point.rpartition("/")[2] for tags in disks.tags}))
        raise InvalidInput(
            f"restore_key: it was used for a restore to {names}.",
            remedy="Give each restore a key of its own.",
            changed_nothing=True,
        )


def _steps(
    spec: RestoreRequest, actual: ObservedVm, point: Checkpoint | None, run_id: str, power_before: str
) -> tuple[list[RestoreStep], list[str]]:
    """All steps of the run, done or not, and warnings. Without a point they are about the disks that it has made."""
    vm, state = actual.vm, t.cast(AzureVmState, actual.detail)
    run, new = _run(spec, actual, point, run_id)
    old = {slot: replaced_by(state, slot, name) for slot, name in new.items()}
    onto = tuple(Attachment(slot, name) for slot, name in new.items())
    back, doubtful = _detached(state, new, run_id)
    why = f'restore in place to "{run.point_name}"'
    keyed = spec.restore_key is not None
    steps: list[RestoreStep] = [
        CreateDisk(vm, why, run, name, slot, power_before, keyed, old[slot] or "", held_before(state, slot, name))
        for slot, name in new.items()
    ]
    steps += [
        KeepDisks(vm, "their deleteOption is Delete", run, onto),
        Deallocate(vm, "its OS disk can only be swapped then", run, onto),
        DetachDataDisks(vm, why, run, onto),
        SwapDisks(vm, why, run, (*onto, *back)),
    ]
    if (power_before if spec.power_after == "previous" else spec.power_after) == "on":
        # Without `back`: once it is attached nothing tells what had been detached, and an approval covers this step.
        steps.append(Start(vm, f"power_after is {spec.power_after}", run, onto))
    gone = [name for name in old.values() if name] if spec.old_disks == "delete" else []
    steps += [DeleteDisk(vm, "old_disks is delete", run, name) for name in gone]
    reason = "so that it is not taken for unfinished"
    go_with_old = {name.rpartition("/")[2].lower() for name in gone}
    for name, due in left_open(state, run_id, [name for name in old.values() if name]).items():
        if name.lower() not in go_with_old:
            steps.append((MarkDone if due == DONE else MarkGivenUp)(vm, reason, run, name, onto))
    lead = new[lead_slot(new)]
    steps += [MarkDone(vm, reason, run, name, onto) for name in new.values() if name != lead]
    steps.append(MarkRunDone(vm, reason, run, lead, onto))
    return steps, [*vm_warnings(state, new, back), *disk_warnings(state, run, new, old), *doubtful]


def _run(
    spec: RestoreRequest, actual: ObservedVm, point: Checkpoint | None, run_id: str
) -> tuple[RestoreRun, dict[str, str]]:
    """The run, and the names of its disks by slot; refused here where it cannot be carried out."""
    state: AzureVmState = actual.detail
    entity = state.point(point.id) if point else None
    sources = entity.disks if entity else []
    if point is not None and not sources:
        raise BadResponse(f"restore point {point.name} is shown without its disks.")
    disks = disks_of(state, run_id)
    slots = [disk.slot for disk in sources] or sorted(disks)
    new = {slot: disk_name(state.vm.name, slot, run_id) for slot in slots}
    if entity is not None:
        refuse_unusable(entity, [disk for disk in sources if state.named(new[disk.slot]) is None])
        refuse_another_system(actual, entity)
    refuse_no_os_disk(actual, new)
    refuse_strangers(actual, new, sources)
    refuse_elsewhere(actual, new, sources)
    if entity is None:
        return RestoreRun(run_id, disks.lead.point, disks.lead.point_id, spec), new
    home_and_name = "/".join(entity.id.split("/")[-3::2])
    return RestoreRun(run_id, home_and_name, short_hash(entity.id), spec, entity.created), new


def _detached(state: AzureVmState, new: t.Mapping[str, str], run: str) -> tuple[list[Attachment], list[str]]:
    """What interrupted runs have detached from slots that this one brings no disk for, as the VM held it.

    Behind it, what only a tag says of: a disk that is not known as the VM's is not attached to it on a tag's word.
    """
    found, doubtful = [], []
    for slot, disk in interrupted(state, run).items():
        tags = RestoreTags.of(disk)
        old = state.disk(tags.replaces)
        if old is None or slot in new or slot == "os" or state.attached(slot) is not None:
            continue
        if state.is_own(old):
            found.append(Attachment(slot, tags.replaces, tags.held))
        else:
            doubtful.append(
                f"an interrupted restore seems to have detached {slot} ({tags.replaces}); attach it by hand."
            )
    return found, doubtful
