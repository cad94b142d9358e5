# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints are meant: by id, by name, by `select`. Never a guess."""

from __future__ import annotations

import typing as t

from .._core.errors import Ambiguous, MissingCheckpoint, UnknownTime
from .._core.model import Checkpoint, ObservedVm
from .._core.patterns import matches_whole
from .._core.selector import Select
from .._core.times import show_time
from .age_order import AgeOrder

MOST_LISTED = 20
OnAmbiguous = t.Literal["fail", "newest", "oldest", "all"]


def matches(observed: ObservedVm, name: str | None, checkpoint_id: str | None) -> list[Checkpoint]:
    """The checkpoints that have that id (or host id) and that name, whichever are given."""
    found = [c for c in observed.checkpoints if checkpoint_id is None or c.has_id(checkpoint_id)]
    return [c for c in found if name is None or c.matches_name(name)]


def choose(
    observed: ObservedVm, found: t.Sequence[Checkpoint], on_ambiguous: OnAmbiguous, what: str
) -> list[Checkpoint]:
    """Those of `found` that are meant; Ambiguous, with id and time of each, when nobody says which.

    `what` all of them do: `are named "nightly"`.
    """
    if len(found) <= 1 or on_ambiguous == "all":
        return list(found)
    if on_ambiguous == "fail":
        listed = _listed(found, lambda c: f"{c.id} ({show_time(c.created)})")
        raise Ambiguous(
            f"{len(found)} checkpoints {what}{listed}.",
            remedy="Name one by checkpoint_id, or set on_ambiguous.",
        )
    return [newest(observed, found) if on_ambiguous == "newest" else oldest(observed, found)]


class Selected(t.NamedTuple):
    """What `select` takes of some checkpoints, and those whose age nobody knows although it decides."""

    chosen: tuple[Checkpoint, ...]
    of_unknown_age: tuple[Checkpoint, ...] = ()


def select(observed: ObservedVm, found: t.Sequence[Checkpoint], selector: Select) -> Selected:
    """The checkpoints that meet every key of `selector`; with `which` one, the latest or oldest usable one of this VM.

    One of unknown age meets neither `before` nor `older_than`. UnknownTime where nobody can tell which is the latest.
    """
    candidates = [c for c in found if _is_meant(observed, c, selector)]
    unknown = [c for c in candidates if selector.by_time and c.created is None]
    chosen = [c for c in candidates if _is_old_enough(observed, c, selector)]
    if selector.which is not None:
        usable = [c for c in chosen if c.usable and not c.of_another]
        pick = oldest if selector.which == "oldest" else newest
        chosen = [pick(observed, usable)] if usable else []
    return Selected(tuple(chosen), tuple(unknown))


def select_for_restore(observed: ObservedVm, found: t.Sequence[Checkpoint], selector: Select) -> list[Checkpoint]:
    """The same for a restore, which goes to one: where a time or an age decides, the latest unless `which` is given.

    One of unknown age is placed by its relatives, or is an UnknownTime: it may be the one that is meant.
    """
    chosen, unknown = select(observed, found, selector.model_copy(update={"which": None}))
    if unknown:
        _require_placed(observed, [c for c in found if _is_meant(observed, c, selector)], chosen, selector)
    if not chosen or (selector.which is None and not selector.by_time):
        return list(chosen)
    return [oldest(observed, chosen) if selector.which == "oldest" else newest(observed, chosen)]


def _is_meant(observed: ObservedVm, checkpoint: Checkpoint, selector: Select) -> bool:
    """Whether it meets every key but those about time."""
    pattern = selector.name_matches
    return (
        (pattern is None or matches_whole(pattern, checkpoint.name, any_case=checkpoint.any_case))
        and selector.managed in (None, checkpoint.ownership.managed)
        and selector.pinned in (None, observed.is_pinned(checkpoint))
    )


def _is_old_enough(observed: ObservedVm, checkpoint: Checkpoint, selector: Select) -> bool:
    """Whether it is known to meet the keys about time, by every clock that can be asked."""
    age = observed.age_at_least(checkpoint)
    is_before = selector.before is None or observed.made_before(checkpoint, selector.before)
    return is_before and (
        selector.older_than is None or (age is not None and age > selector.older_than.total_seconds())
    )


def newest(observed: ObservedVm, found: t.Sequence[Checkpoint]) -> Checkpoint:
    """The one that all others are older than; UnknownTime when neither times nor ancestry can tell."""
    order = AgeOrder(observed)
    for candidate in found:
        if all(c is candidate or order.is_older(c, candidate) for c in found):
            return candidate
    raise _unordered(found)


def oldest(observed: ObservedVm, found: t.Sequence[Checkpoint]) -> Checkpoint:
    """The one that is older than all others; UnknownTime when neither times nor ancestry can tell."""
    order = AgeOrder(observed)
    for candidate in found:
        if all(c is candidate or order.is_older(candidate, c) for c in found):
            return candidate
    raise _unordered(found)


def oldest_first(observed: ObservedVm, found: t.Sequence[Checkpoint]) -> list[Checkpoint]:
    """By time, those of unknown time by depth before them."""
    return sorted(found, key=lambda c: (c.created is not None, c.created or observed.now, c.depth))


def missing(observed: ObservedVm, name: str | None, checkpoint_id: str) -> MissingCheckpoint:
    """The error for an id that nothing has, or nothing of that name."""
    other = observed.by_id(checkpoint_id)
    if other is not None:
        return MissingCheckpoint(
            f'checkpoint {checkpoint_id} is named "{other.name}", not "{name}".',
            remedy="Leave out one of name and checkpoint_id.",
        )
    return MissingCheckpoint(
        f"no checkpoint has the id {checkpoint_id}, and checkpoint_id never creates. {there_are(observed.checkpoints)}",
        remedy="Give the id of one that exists, or leave checkpoint_id out to have one made.",
    )


def unusable(found: Checkpoint) -> MissingCheckpoint:
    """The error for an id of which only a checkpoint that failed is left."""
    return MissingCheckpoint(
        f'checkpoint {found.id} ("{found.name}") is not usable, and checkpoint_id never creates.',
        remedy="Give the id of another one, or name without checkpoint_id to have one made.",
    )


def _require_placed(
    observed: ObservedVm, found: t.Sequence[Checkpoint], early: t.Sequence[Checkpoint], selector: Select
) -> None:
    """UnknownTime unless ancestry tells of each of unknown time on which side of the others it is."""
    late = {c.id for c in found if c.created is not None and c not in early}
    # What is below an early one is early too, so that it can be the oldest, but not the latest.
    below_early = {ancestor for c in early for ancestor in observed.ancestors(c) if selector.which != "oldest"}
    for c in found:
        if c.created is None and c.id not in below_early and not observed.ancestors(c) & late:
            raise UnknownTime(
                f'cannot tell whether {c.id} ("{c.name}") meets select ({selector}): the service keeps no time for it.',
                remedy="Name one by checkpoint_id.",
            )


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
