# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""The plan for a restore: an act, not a state, so it is planned each time unless a restore_key proves it done."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from .._core.capabilities import Capabilities, StagedRestorePlanner
from .._core.errors import InvalidInput, MissingCheckpoint, Obstructed, OutcomeUnknown, Unsupported
from .._core.model import Checkpoint, ObservedVm
from .._core.ownership import id_hash, key_hash
from .._core.plan import Action, Plan
from .._core.spec import RestoreRequest, Spec, terms
from .actions import Create, NoOp, Power, Restore
from .predecessors import WHOSE, of_this_vm
from .selection import choose, matches, select_for_restore, there_are


def plan_restore(
    spec: RestoreRequest,
    actual: ObservedVm,
    capabilities: Capabilities,
    made: frozenset[str],
    power_before: str,
    restored: str | None = None,
    under_way: str | None = None,
) -> Plan:
    """[safety checkpoint], [power off], restore, power. `power_before` is the state that the run began with.

    The safety checkpoint comes first: it is the way back to the VM as it ran, and its mark remembers the power state.

    With `restore_key` the safety checkpoint of an earlier run is the evidence: while the VM stands on it (or on what
    was made on top of it) the restore has not happened; once it stands elsewhere it has. Where the service does not
    say on what the VM stands, or that the safety checkpoint is usable, nobody can know, and nothing is repeated.
    """
    vm = actual.vm
    _allowed(spec, capabilities)
    if capabilities.restore_steps is not None:
        return _staged(spec, actual, capabilities, capabilities.restore_steps, made, power_before, under_way)
    if restored is not None:
        # This run has restored already and was kept from a later step: only what comes behind is left.
        after, warnings = _power_after(spec, actual, capabilities, power_before)
        return Plan(vm, tuple(after), tuple(warnings), satisfied_by=actual.by_id(restored))
    earlier = _safety_of(spec, actual, made)
    if earlier is not None and earlier.mark is not None and earlier.mark.power is not None:
        power_before = earlier.mark.power
    if earlier is not None and spec.restore_key is not None:
        _same_target(spec, actual, capabilities, earlier)
    after, warnings = _power_after(spec, actual, capabilities, power_before)
    if earlier is not None and spec.restore_key is not None and _has_happened(actual, earlier):
        # Done is done, also when the target has been removed since: what the VM stands on is what the restore left.
        reason = f"restore_key: the VM no longer stands on the safety checkpoint {earlier.id} of that restore"
        still = [power for power in after if actual.power != ("on" if power.on else "off")]
        stands = actual.current()
        keep = () if stands is None else (NoOp(vm, reason, checkpoint=stands),)
        return Plan(vm, (*keep, *still), satisfied_by=stands)
    _refuse_running(spec, actual)
    target = _target(spec, actual) if earlier is None else _same_again(spec, actual, earlier)
    actions: list[Action] = []
    if spec.safety_checkpoint and earlier is None:
        actions.append(_safety(spec, actual, capabilities, target))
    if spec.if_running == "stop" and actual.power == "on":
        actions.append(Power(vm, "if_running is stop and the VM is on", on=False))
    keyed = spec.restore_key is not None
    restore = Restore(vm, _why(spec, target), checkpoint=target, has_restore_key=keyed, terms=terms(spec))
    actions.append(replace(restore, restores=capabilities.restores))
    return Plan(vm, (*actions, *after), tuple(warnings), satisfied_by=target)


def _staged(
    spec: RestoreRequest,
    actual: ObservedVm,
    capabilities: Capabilities,
    restore_steps: StagedRestorePlanner,
    made: frozenset[str],
    power_before: str,
    under_way: str | None,
) -> Plan:
    """A restore in several steps; a safety checkpoint comes first, unless an earlier run has begun already."""
    staged = restore_steps(spec, actual, lambda: _target(spec, actual), power_before, under_way)
    if staged.done:
        keep = () if staged.target is None else (NoOp(actual.vm, staged.done, checkpoint=staged.target),)
        return Plan(actual.vm, (*keep, *staged.steps), staged.warnings, satisfied_by=staged.target)
    if not staged.resumed:
        _refuse_running(spec, actual)
    first: tuple[Action, ...] = ()
    if (
        spec.safety_checkpoint
        and not staged.resumed
        and not _safety_of(spec, actual, made)
        and staged.target is not None
    ):
        first = (*actual.prelude, _safety(spec, actual, capabilities, staged.target))
    return Plan(actual.vm, (*first, *staged.steps), staged.warnings, satisfied_by=staged.target)


def _safety(spec: RestoreRequest, actual: ObservedVm, capabilities: Capabilities, target: Checkpoint) -> Create:
    return Create(
        actual.vm,
        "safety_checkpoint: a way back from this restore",
        name=_safety_name(capabilities, target.name),
        safety=True,
        key=key_hash(spec.restore_key) if spec.restore_key else None,
        generate=capabilities.names_unique,
        back_from=target.id,
    )


def _safety_name(capabilities: Capabilities, name: str) -> str:
    """What the safety checkpoint of a restore to `name` is called; cut names end in a hash, so that none means two."""
    whole = capabilities.safety_name.format(name=name)
    if len(whole) <= capabilities.longest_series:
        return whole
    spelled = name.lower() if capabilities.names_unique else name  # where names are unique they are one in any case
    short = hashlib.sha256(spelled.encode()).hexdigest()[:8]
    return f"{whole[: capabilities.longest_series - 9]}-{short}"


def _same_again(spec: RestoreRequest, actual: ObservedVm, earlier: Checkpoint) -> Checkpoint:
    """The target of a restore that an earlier run with the same key has begun: the one that it had chosen then.

    Another one of that name may have been made since, even on top of the safety checkpoint, and standing there would
    never prove that the VM has left that.
    """
    went_to = earlier.mark.target if earlier.mark else None
    if spec.restore_key is None or went_to is None:
        return _target(spec, actual)
    found = next((c for c in actual.checkpoints if id_hash(c.id) == went_to), None)
    if found is None:
        raise MissingCheckpoint(
            f"restore_key: the checkpoint that its restore was to go to is gone, and the VM still stands on the safety "
            f"checkpoint {earlier.id} of that restore. {there_are(actual.checkpoints)}",
            remedy="Use another restore_key for a restore to another checkpoint.",
            changed_nothing=True,
        )
    return found


def _same_target(spec: RestoreRequest, actual: ObservedVm, capabilities: Capabilities, earlier: Checkpoint) -> None:
    """A key names one restore: asked for another target with it, something is meant that the key would hide."""
    name = asked = spec.name
    same = True
    went_to = earlier.mark.target if earlier.mark else None
    if spec.checkpoint_id is not None and (found := actual.by_id(spec.checkpoint_id)) is not None:
        name, asked = found.name, f"{found.name} ({found.id})"
        same = went_to in (None, id_hash(found.id))
    elif name is not None:
        # The safety checkpoint is called after the name that the service keeps, which may be another.
        known = [c.name for c in actual.checkpoints if id_hash(c.id) == went_to and c.matches_name(name)]
        name = known[0] if known else name
    if name is None or (same and earlier.matches_name(_safety_name(capabilities, name))):
        return
    raise InvalidInput(
        f'restore_key: it was used for another restore ("{earlier.name}"), and this one is to "{asked}".',
        remedy="Give each restore a key of its own.",
        changed_nothing=True,
    )


def _power_after(
    spec: RestoreRequest, actual: ObservedVm, capabilities: Capabilities, power_before: str
) -> tuple[list[Power], list[str]]:
    """The last step, which says how the VM ends: a restore may leave it off. And what the user should know about it."""
    if not capabilities.power:
        return [], []
    wanted = power_before if spec.power_after == "previous" else spec.power_after
    if wanted == "unknown":
        return [], ["its power state is unknown; power_after: previous leaves it as the restore does."]
    return [Power(actual.vm, f"power_after is {spec.power_after}", on=wanted == "on")], []


def _allowed(spec: RestoreRequest, capabilities: Capabilities) -> None:
    if not capabilities.restore_in_place:
        raise Unsupported(f"{capabilities.title} cannot restore in place.")
    if (spec.power_after != "previous" or spec.if_running == "stop") and not capabilities.power:
        raise Unsupported(f"{capabilities.title} cannot turn VMs on or off.")
    if spec.restore_key is not None and not spec.safety_checkpoint and capabilities.restore_steps is None:
        raise InvalidInput(
            f"restore_key needs safety_checkpoint: true on {capabilities.title}: that checkpoint carries the key."
        )


def _refuse_running(spec: RestoreRequest, actual: ObservedVm) -> None:
    if spec.if_running == "fail" and actual.power != "off":
        state = "is running" if actual.power == "on" else "has an unknown power state"
        raise Obstructed(
            f"it {state} and if_running is fail.",
            remedy="Shut it down, or set if_running to proceed or stop.",
            changed_nothing=True,
        )


def _target(spec: RestoreRequest, actual: ObservedVm) -> Checkpoint:
    """The one checkpoint to go back to; never one that is known or suspected to be unusable unless named by its id."""
    found = matches(actual, spec.name, spec.checkpoint_id)
    if spec.checkpoint_id is not None:
        if not found:
            raise MissingCheckpoint(
                f"nothing to restore: no checkpoint has the id {spec.checkpoint_id}. {there_are(actual.checkpoints)}",
                remedy=_exists(actual),
            )
        return found[0]
    others = [c for c in found if c.of_another]
    found = of_this_vm(found, None)
    if spec.name is None:
        # A way back from an earlier restore is no point to go forward to: "latest" would otherwise undo the restore.
        found = [c for c in found if not c.ownership.safety]
    usable = [c for c in found if c.usable]
    if not usable:
        named = f' named "{spec.name}"' if spec.name else ""
        unusable = f" ({len(found)} exist, but the service does not show them as usable)" if found else ""
        unusable += f" ({len(others)} of {WHOSE})" if others else ""
        raise MissingCheckpoint(
            f"nothing to restore: no {'usable ' if found else ''}checkpoint{named}{unusable}. "
            f"{there_are(actual.checkpoints)}",
            remedy="Name it by checkpoint_id to restore it all the same." if found or others else _exists(actual),
        )
    if spec.select is None:
        return choose(actual, usable, spec.on_ambiguous, f'are named "{spec.name}"')[0]
    selected = select_for_restore(actual, usable, spec.select)
    if not selected:
        raise MissingCheckpoint(
            f"nothing to restore: no usable checkpoint meets select ({spec.select}). {there_are(usable)}",
            remedy="Select another one.",
        )
    return choose(actual, selected, spec.on_ambiguous, f"meet select ({spec.select})")[0]


def _exists(actual: ObservedVm) -> str:
    return "Name one that exists." if actual.checkpoints else "Make one first."


def _safety_of(spec: RestoreRequest, actual: ObservedVm, made: frozenset[str]) -> Checkpoint | None:
    """The safety checkpoint that this run, or an earlier one with its restore_key, has made; a usable one first."""
    key = key_hash(spec.restore_key) if spec.restore_key else None
    found = []
    for checkpoint in actual.checkpoints:
        if not checkpoint.ownership.safety or checkpoint.of_another:
            continue
        marked = checkpoint.mark.key if checkpoint.mark else None
        if checkpoint.ownership.nonce in made or (key and (marked == key or checkpoint.ownership.nonce == key[:12])):
            found.append(checkpoint)
    return next((each for each in found if each.usable), found[0] if found else None)


def _has_happened(actual: ObservedVm, safety: Checkpoint) -> bool:
    """Whether the restore that `safety` was taken for was carried out."""
    if not actual.current_known:
        raise OutcomeUnknown(
            f"restore_key: the safety checkpoint {safety.id} exists, but the service does not say on which one the "
            "VM stands; whether the restore ran is not known, and it is not repeated.",
            remedy=f"Look at the VM; remove the checkpoint {safety.id} to restore again, or use another restore_key.",
        )
    elsewhere = _left_safety_checkpoint(actual, safety)
    if elsewhere and len({c.root for c in actual.checkpoints if c.root}) > 1:
        # One tree has one root: a second one is a checkpoint that is not listed (yet), perhaps the missing link.
        raise OutcomeUnknown(
            "restore_key: checkpoints stand on one that the service does not list, so nobody can tell whether the VM "
            f"has left the safety checkpoint {safety.id}; the restore is not repeated.",
            remedy=f"Look at the VM; remove the checkpoint {safety.id} to restore again, or use another restore_key.",
        )
    if elsewhere and not safety.usable:
        # A create that failed may leave its row behind: the VM never stood on that, so it cannot have left it.
        raise OutcomeUnknown(
            f"restore_key: the safety checkpoint {safety.id} is not shown as usable, so that the VM stands elsewhere "
            "does not prove the restore; nothing was repeated.",
            remedy=f"Look at the VM; remove the checkpoint {safety.id} to restore again, or use another restore_key.",
        )
    return elsewhere


def _left_safety_checkpoint(actual: ObservedVm, safety: Checkpoint) -> bool:
    current = actual.current()
    return current is None or (safety.id != current.id and safety.id not in actual.ancestors(current))


def evidence_age_left(spec: Spec, actual: ObservedVm, capabilities: Capabilities, settle_time: float) -> float:
    """Seconds until the VM standing elsewhere than on an earlier run's safety checkpoint says anything; mostly 0.

    Where no job can be looked at, a checkpoint may be listed whose create still runs (Arc: nobody knows). The VM then
    stands where it stood before, and that must not be taken for the restore that was to follow.
    """
    if not isinstance(spec, RestoreRequest):
        return 0.0
    if capabilities.operations_findable or capabilities.restore_steps is not None or not actual.current_known:
        return 0.0
    safety = _safety_of(spec, actual, frozenset())
    if safety is None or safety.created is None or not _left_safety_checkpoint(actual, safety):
        return 0.0
    return max(0.0, settle_time - (actual.now - safety.created).total_seconds())


def _why(spec: RestoreRequest, target: Checkpoint) -> str:
    if spec.checkpoint_id is not None:
        return "named by checkpoint_id"
    if spec.select is not None:
        return f"select: {spec.select}" + (f' among those named "{spec.name}"' if spec.name else "")
    return f'it is the checkpoint named "{target.name}"'
