# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoint is meant: by id, by name, by order in time. Never a guess."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._core.errors import Ambiguous, MissingCheckpoint, UnknownTime
from .._core.model import Checkpoint, ObservedVm
from .._core.spec import Select
from .._core.times import show_time

MOST_LISTED = 20
OnAmbiguous = t.Literal["fail", "newest", "oldest", "all"]


def matches(inventory: ObservedVm, name: str | None, checkpoint_id: str | None) -> list[Checkpoint]:
    """The checkpoints that have that id (or host id) and that name, whichever are given."""
    found = [c for c in inventory.checkpoints if checkpoint_id is None or c.has_id(checkpoint_id)]
    return [c for c in found if name is None or c.matches_name(name)]


def choose(
    inventory: ObservedVm, found: t.Sequence[Checkpoint], on_ambiguous: OnAmbiguous, name: str
) -> list[Checkpoint]:
    """Those of `found` that are meant; Ambiguous, with id and time of each, when nobody says which."""
    if len(found) <= 1 or on_ambiguous == "all":
        return list(found)
    if on_ambiguous == "fail":
        listed = _listed(found, lambda c: f"{c.id} ({show_time(c.created)})")
        raise Ambiguous(
            f'{len(found)} checkpoints are named "{name}"{listed}.',
            remedy="Name one by checkpoint_id, or set on_ambiguous.",
        )
    return [newest(inventory, found) if on_ambiguous == "newest" else oldest(inventory, found)]


def pick(inventory: ObservedVm, found: t.Sequence[Checkpoint], select: Select) -> Checkpoint:
    """The latest, the oldest, or the latest made before a time."""
    candidates = list(found)
    if select.which == "before" and select.before is not None:
        candidates = _before(inventory, candidates, select.before)
        if not candidates:
            raise MissingCheckpoint(
                f"nothing to restore: no usable checkpoint was made before {show_time(select.before)}. "
                f"{there_are(found)}",
                remedy="Take a later time.",
            )
    return oldest(inventory, candidates) if select.which == "oldest" else newest(inventory, candidates)


def newest(inventory: ObservedVm, found: t.Sequence[Checkpoint]) -> Checkpoint:
    """The one that all others are older than; UnknownTime when neither times nor ancestry can tell."""
    for candidate in found:
        if all(c is candidate or is_older(inventory, c, candidate) for c in found):
            return candidate
    raise _unordered(found)


def oldest(inventory: ObservedVm, found: t.Sequence[Checkpoint]) -> Checkpoint:
    """The one that is older than all others; UnknownTime when neither times nor ancestry can tell."""
    for candidate in found:
        if all(c is candidate or is_older(inventory, candidate, c) for c in found):
            return candidate
    raise _unordered(found)


def is_older(inventory: ObservedVm, older: Checkpoint, newer: Checkpoint) -> bool:
    """Whether `older` was surely made first.

    What a checkpoint stands on was there before it. So it was made no later than the earliest known time of itself and
    of what stands on it, and no earlier than the latest known time of itself and of what it stands on.
    """
    if newer.id in inventory.ancestors(older):
        return False  # ancestry is the service's own, while a mark's time is a claim
    if older.id in inventory.ancestors(newer):
        return True
    at_latest = [c.created for c in _above(inventory, older) if c.created is not None]
    at_earliest = [c.created for c in _below(inventory, newer) if c.created is not None]
    return bool(at_latest and at_earliest) and min(at_latest) < max(at_earliest)


def _above(inventory: ObservedVm, checkpoint: Checkpoint) -> list[Checkpoint]:
    """Itself and all that stands on it."""
    return [c for c in inventory.checkpoints if c.id == checkpoint.id or checkpoint.id in inventory.ancestors(c)]


def _below(inventory: ObservedVm, checkpoint: Checkpoint) -> list[Checkpoint]:
    """Itself and all that it stands on."""
    wanted = {checkpoint.id, *inventory.ancestors(checkpoint)}
    return [c for c in inventory.checkpoints if c.id in wanted]


def _before(inventory: ObservedVm, found: t.Sequence[Checkpoint], moment: datetime) -> list[Checkpoint]:
    """The candidates made before `moment`. One of unknown time is placed by its relatives, or is an error."""
    early = [c for c in found if c.created is not None and c.created < moment]
    late = {c.id for c in found if c.created is not None and c.created >= moment}
    below_early = {ancestor for c in early for ancestor in inventory.ancestors(c)}
    for c in found:
        if c.created is None and c.id not in below_early and not inventory.ancestors(c) & late:
            raise UnknownTime(
                f'cannot tell whether {c.id} ("{c.name}") was made before {show_time(moment)}: the service keeps '
                "no time for it.",
                remedy="Name one by checkpoint_id.",
            )
    return early


def _unordered(found: t.Sequence[Checkpoint]) -> UnknownTime:
    unknown = ", ".join(f'{c.id} ("{c.name}")' for c in found if c.created is None)
    why = f"the service keeps no time for {unknown}" if unknown else "some were made in the same second"
    return UnknownTime(
        f"cannot order {len(found)} checkpoints by time: {why}, and they do not stand on one another.",
        remedy="Name one by checkpoint_id.",
    )


def there_are(found: t.Sequence[Checkpoint]) -> str:
    """What exists, for errors about what does not."""
    if not found:
        return "There are no checkpoints."
    count = f" {len(found)}" if len(found) > MOST_LISTED else ""
    return f"There are{count}{_listed(found, lambda c: f'{c.name} ({show_time(c.created)})')}."


def _listed(found: t.Sequence[Checkpoint], show: t.Callable[[Checkpoint], str]) -> str:
    """All of them, or of many the newest, those first: a long line may be cut at its end."""
    if len(found) <= MOST_LISTED:
        return f": {', '.join(show(c) for c in found)}"
    dated = [(c.created, c) for c in found if c.created is not None]
    # Where a time is unknown the service's own order is all there is.
    ordered = [c for _time, c in sorted(dated, key=lambda pair: pair[0])] if len(dated) == len(found) else list(found)
    shown = ", ".join(show(c) for c in ordered[: -MOST_LISTED - 1 : -1])
    more = len(found) - MOST_LISTED
    if len(dated) < len(found):
        return f"; the last {MOST_LISTED} as the service lists them ({more} more before them): {shown}"
    older = "1 more is older" if more == 1 else f"{more} more are older"
    return f"; the newest {MOST_LISTED} ({older}): {shown}"
