# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan(): what is needed to get from what exists to what is wished. Pure: no I/O, no clock, no service by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .._core.errors import InvalidInput, LimitReached, MissingCheckpoint, Obstructed, VmState
from .._core.model import Capabilities, Checkpoint, Inventory
from .._core.plan import Action, Create, Delete, Keep, Plan, Update
from .._core.spec import Absent, Present, Wish
from .._core.times import format_duration, show_seconds, show_time
from .restore_planner import plan_restore
from .selection import choose, is_older, matches, there_are

_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Memory:
    """What this run has already done for the VM, so that a plan made anew after a lock does not ask for it twice.

    `made` are the nonces of checkpoints this run created, `failed` those of creates whose job failed (what they left
    behind counts for nothing), `power` the VM's power state when the run began, `restored` the id of the checkpoint
    that this run has brought it back to, `run` what a restore in several steps calls itself.
    """

    made: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    power: str | None = None
    restored: str | None = None
    run: str | None = None


def plan(
    wish: Wish, actual: Inventory, capabilities: Capabilities, now: datetime, memory: Memory | None = None
) -> Plan:
    """The steps for one VM: create, restore, then delete, oldest first; refused here, in check mode too, at a limit."""
    memory = memory or Memory()
    if isinstance(wish, Present):
        made = _present(wish, actual, capabilities, now, memory)
    elif isinstance(wish, Absent):
        made = _absent(wish, actual)
    else:
        power = memory.power or actual.power
        # What a create of this run has left behind that failed is no evidence of a restore.
        points = tuple(c for c in actual.checkpoints if not (c.run_nonce and c.run_nonce in memory.failed))
        standing = replace(actual, checkpoints=points)
        made = plan_restore(wish, standing, capabilities, memory.made, power, memory.restored, memory.run)
    _refuse(made, actual, capabilities)
    verbs = {verb for action in made.writes for verb in action.kinds}
    told = tuple(f"{actual.vm}: {text}" for verb, text in actual.cautions if verb in verbs)
    return replace(made, warnings=(*made.warnings, *told)) if told else made


def _present(wish: Present, actual: Inventory, capabilities: Capabilities, now: datetime, memory: Memory) -> Plan:
    """Any usable match will do; with `max_age` the newest decides and a new one joins the series.

    What this very run has made is fresh, however long it took since: a task makes one.
    """
    found = matches(actual, wish.name, wish.checkpoint_id)
    if wish.checkpoint_id is not None and not found:
        raise _missing(wish, actual)
    series = [c for c in found if c.usable is not False and not (c.mark and c.mark.nonce in memory.failed)]
    if wish.max_age is not None:
        series = [c for c in series if c.usable and _counts(c, now, wish.max_age, memory)]
    if not series:
        return _new(wish, actual, capabilities, found, now)
    told = wish.description if capabilities.has_description else None
    targets = _described(wish, actual, series) if told is not None else [_newest(actual, series)]
    kept = targets[-1]
    actions: list[Action] = [Keep(actual.vm, _why_keep(wish, kept, now), checkpoint=kept)]
    warnings = [
        f'{actual.vm}: nobody can say yet whether checkpoint "{c.name}" ({c.id}) is usable: the service does not show '
        "all of it."
        for c in targets
        if c.usable is None
    ]
    warnings += _no_descriptions(wish, actual, capabilities)
    drift: list[dict[str, object]] = []
    for target in targets:
        if told is None or target.description == told:
            continue
        if capabilities.can_update_description:
            why = f'description is "{target.description}"'
            actions.append(Update(actual.vm, why, checkpoint=target, description=told))
        else:
            drift.append({"field": "description", "desired": told, "actual": target.description})
            warnings.append(
                f'{actual.vm}: the description of checkpoint "{target.name}" ({target.id}) differs, '
                f"and {capabilities.title} has no way to change it; see drift."
            )
    actions += _supersede(wish, actual, found, kept)
    warnings += _not_superseded(wish, actual, [c for c in found if c is not kept])
    return Plan(actual.vm, tuple(actions), tuple(warnings), tuple(drift), satisfied_by=kept)


def _new(wish: Present, actual: Inventory, capabilities: Capabilities, found: list[Checkpoint], now: datetime) -> Plan:
    """A new checkpoint. Where names are unique a series generates them; what failed under a fixed one goes first."""
    generate = capabilities.names_unique and wish.max_age is not None
    name = wish.name or ""
    if not re.fullmatch(capabilities.name_pattern, name) or (generate and len(name) > capabilities.longest_series):
        longest = (
            f", at most {capabilities.longest_series} characters with max_age" if capabilities.names_unique else ""
        )
        raise InvalidInput(
            f'name: "{name}" is no name that {capabilities.title} takes: {capabilities.name_rule}{longest}.',
            subject=str(actual.vm),
        )
    told = wish.description if capabilities.has_description else None
    create = Create(actual.vm, _why_create(wish, found, now), name=name, description=told, generate=generate)
    create = replace(create, strict=wish.max_age is not None)
    in_the_way = (
        [c for c in found if c.name.lower() == name.lower()] if capabilities.names_unique and not generate else []
    )
    first = [Delete(actual.vm, "it failed, and its name is needed", checkpoint=c) for c in in_the_way]
    later = _supersede(wish, actual, [c for c in found if c not in in_the_way], None)
    warnings = _not_superseded(wish, actual, [c for c in found if c not in in_the_way])
    warnings += _no_descriptions(wish, actual, capabilities)
    return Plan(actual.vm, (*first, *actual.prelude, create, *later), tuple(warnings))


def _no_descriptions(wish: Present, actual: Inventory, capabilities: Capabilities) -> list[str]:
    """That one was given where there is no place for it: told each time, and in the same words."""
    if wish.description is None or capabilities.has_description:
        return []
    return [f"{actual.vm}: {capabilities.title} keeps no descriptions; this one is not stored."]


def _described(wish: Present, actual: Inventory, series: list[Checkpoint]) -> list[Checkpoint]:
    """Whose description the wish is about. With max_age or supersede the newest; one that has it already will do."""
    if wish.description is None or wish.max_age is not None or wish.supersede:
        return [_newest(actual, series)]
    told = [c for c in series if c.description == wish.description]
    if told and wish.on_ambiguous == "fail":
        return [_newest(actual, told)]
    return choose(actual, series, wish.on_ambiguous, wish.name or "")


def _absent(wish: Absent, actual: Inventory) -> Plan:
    """Every match that is meant goes, oldest first; by name, whoever made it."""
    found = matches(actual, wish.name, wish.checkpoint_id)
    if wish.checkpoint_id is not None and wish.name is not None and not found and actual.by_id(wish.checkpoint_id):
        raise _missing(Present(name=wish.name, checkpoint_id=wish.checkpoint_id), actual)
    gone = choose(actual, found, wish.on_ambiguous, wish.name or wish.checkpoint_id or "")
    reason = "state is absent"
    return Plan(actual.vm, tuple(Delete(actual.vm, reason, checkpoint=c) for c in _oldest_first(actual, gone)))


def _not_superseded(wish: Present, actual: Inventory, others: list[Checkpoint]) -> list[str]:
    """That others of the series stay although supersede is set: nothing says that they are ours."""
    foreign = sum(c.mark is None for c in others)
    if not wish.supersede or not foreign:
        return []
    are = "1 other is" if foreign == 1 else f"{foreign} others are"
    return [f'{actual.vm}: {are} named "{wish.name}" and not marked as this collection\'s: supersede leaves them.']


def _supersede(wish: Present, actual: Inventory, found: list[Checkpoint], kept: Checkpoint | None) -> list[Action]:
    """Older checkpoints of the series go once a newer one hangs: our own only, and never a pinned one."""
    if not wish.supersede or (kept is not None and not kept.usable):
        return []
    old = [c for c in found if c.mark is not None and not c.mark.pin and c is not kept]
    if kept is not None:
        old = [c for c in old if is_older(actual, c, kept)]
    reason = f'superseded: supersede is set and a newer "{wish.name}" exists'
    if kept is None:
        reason = f'superseded: supersede is set and a new "{wish.name}" comes first'
    return [Delete(actual.vm, reason, checkpoint=c) for c in _oldest_first(actual, old)]


def relied_on(wish: Wish, actual: Inventory, memory: Memory) -> list[Checkpoint]:
    """Newest first, those that max_age or supersede would rest on: because of them none is made, or older ones go."""
    if not isinstance(wish, Present) or (wish.max_age is None and not wish.supersede):
        return []
    found = [c for c in matches(actual, wish.name, wish.checkpoint_id) if c.usable is not False]
    if wish.max_age is not None:
        found = [c for c in found if _counts(c, actual.now, wish.max_age, memory)]
    return _oldest_first(actual, found)[::-1]


def _counts(checkpoint: Checkpoint, now: datetime, max_age: timedelta, memory: Memory) -> bool:
    """Whether it is young enough for max_age; what this run has made is."""
    return checkpoint.run_nonce in memory.made or _is_fresh(checkpoint, now, max_age)


def _is_fresh(checkpoint: Checkpoint, now: datetime, max_age: timedelta) -> bool:
    """Made within `max_age`; one from the future is nobody's evidence (on Arc the time is only what a mark claims)."""
    return checkpoint.created is not None and -_SKEW <= now - checkpoint.created <= max_age


def _refuse(made: Plan, actual: Inventory, capabilities: Capabilities) -> None:
    """What the service would refuse is refused before anything is sent."""
    if not made.writes:
        return
    if actual.refuses:
        raise VmState(
            f"its state is {actual.refuses}, in which {capabilities.title} allows no checkpoint work.",
            subject=str(actual.vm),
            remedy="Bring the VM into another state first.",
        )
    for obstacle in actual.obstacles:
        if any(set(action.kinds) & set(obstacle.verbs) for action in made.writes):
            raise Obstructed(obstacle.why, subject=str(actual.vm), remedy=obstacle.remedy, changed_nothing=True)
    creates = sum(isinstance(action, Create) for action in made.writes)
    first = next((n for n, action in enumerate(made.writes) if isinstance(action, Create)), 0)
    gone = sum(isinstance(action, Delete) for action in made.writes[:first])
    if creates and len(actual.checkpoints) - gone + creates > capabilities.max_points:
        raise LimitReached(
            f"{len(actual.checkpoints)} checkpoints exist and {capabilities.title} allows {capabilities.max_points} "
            f"per VM; {creates} more would be needed.",
            subject=str(actual.vm),
            remedy="Remove some first (state: absent).",
            changed_nothing=True,
        )


def _newest(actual: Inventory, series: list[Checkpoint]) -> Checkpoint:
    """The newest usable one: by time, else the deepest; present needs any one, so an unknown order is no error."""
    series = [c for c in series if c.usable] or series
    dated = [c for c in series if c.created is not None]
    if dated:
        return max(dated, key=lambda c: (c.created, c.depth, c.id))
    return max(series, key=lambda c: c.depth)


def _oldest_first(actual: Inventory, found: list[Checkpoint]) -> list[Checkpoint]:
    """By time, those of unknown time by depth before them."""
    return sorted(found, key=lambda c: (c.created is not None, c.created or actual.now, c.depth))


def _missing(wish: Present, actual: Inventory) -> MissingCheckpoint:
    other = actual.by_id(wish.checkpoint_id or "")
    if other is not None:
        return MissingCheckpoint(
            f'checkpoint {wish.checkpoint_id} is named "{other.name}", not "{wish.name}".',
            subject=str(actual.vm),
            remedy="Leave out one of name and checkpoint_id.",
        )
    return MissingCheckpoint(
        f"no checkpoint has the id {wish.checkpoint_id}, and checkpoint_id never creates. "
        f"{there_are(actual.checkpoints)}",
        subject=str(actual.vm),
        remedy="Give the id of one that exists, or leave checkpoint_id out to have one made.",
    )


def _why_create(wish: Present, found: list[Checkpoint], now: datetime) -> str:
    if not found:
        age = f"; max_age {format_duration(wish.max_age)}" if wish.max_age is not None else ""
        return f'no checkpoint named "{wish.name}" exists{age}'
    if wish.max_age is None:
        return f'no usable checkpoint named "{wish.name}" exists'
    newest = max((c.created for c in found if c.created is not None), default=None)
    known = f"; the newest is of {show_time(newest)}" if newest else "; the time of those that exist is unknown"
    return f'no usable checkpoint named "{wish.name}" is younger than {format_duration(wish.max_age)}{known}'


def _why_keep(wish: Present, kept: Checkpoint, now: datetime) -> str:
    if wish.max_age is None:
        return "it exists"
    return f"it is {show_seconds(kept.age_seconds(now) or 0)} old, max_age is {format_duration(wish.max_age)}"
