# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints of a VM a policy governs, and what retention has to know of each. Pure."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .._checkpoints.selection import select
from .._core.model import Checkpoint, ObservedVm, Usability
from .retention import Point
from .specs import PolicySpec

Outside = t.Literal["other_vm", "not_managed", "other_series"]


def points_of(spec: PolicySpec, observed: ObservedVm, locked_out: t.Container[str | None] = ()) -> list[Point]:
    """All checkpoints of the VM. What a create left behind that was locked out (`locked_out`, nonces) is in doubt."""
    chosen = observed.checkpoints if spec.select is None else select(observed, observed.checkpoints, spec.select).chosen
    selected = {checkpoint.id for checkpoint in chosen}
    return [
        Point(
            id=checkpoint.id,
            at=moment(observed, checkpoint),
            usability=_usability(checkpoint, locked_out),
            outside=outside(spec, observed, checkpoint),
            selected=checkpoint.id in selected,
            pinned=observed.is_pinned(checkpoint),
            pin_until=_pin_end(observed, checkpoint),
            named=bool(pins_of(spec, checkpoint)),
            latest=_other(latest_moment(observed, checkpoint), moment(observed, checkpoint)),
        )
        for checkpoint in observed.checkpoints
    ]


def _other(latest: datetime | None, at: datetime | None) -> datetime | None:
    """The latest moment, if it is another than the one that is shown."""
    return None if latest == at else latest


def _pin_end(observed: ObservedVm, checkpoint: Checkpoint) -> datetime | None:
    """When its pin ends; None also where that is so near that the clocks do not agree on it."""
    until = None if checkpoint.pin is None else checkpoint.pin.until
    return until if until is not None and until > observed.now else None


def _usability(checkpoint: Checkpoint, locked_out: t.Container[str | None]) -> Usability:
    is_left = checkpoint.ownership.nonce in locked_out
    return "unknown" if is_left and checkpoint.usability != "unusable" else checkpoint.usability


def governed(spec: PolicySpec, observed: ObservedVm) -> list[Checkpoint]:
    """Those that the policy governs."""
    return [each for each in observed.checkpoints if outside(spec, observed, each) is None]


def outside(spec: PolicySpec, observed: ObservedVm, checkpoint: Checkpoint) -> Outside | None:
    """Why the policy does not govern a checkpoint; None for one that it does.

    One of another VM that had this one's name is never governed. Whose any other is, its mark (or where there are no
    marks its name and its collection's tag) says.
    """
    if checkpoint.of_another:
        return "other_vm"
    if spec.adopt is not None and spec.adopt.takes(checkpoint):
        return None
    is_ours = checkpoint.ownership.managed or spec.include_unmanaged
    if not is_ours:
        return "not_managed"
    return None if _in_series(spec, observed, checkpoint) else "other_series"


def _in_series(spec: PolicySpec, observed: ObservedVm, checkpoint: Checkpoint) -> bool:
    """Whether it bears the prefix as its name or series, or a name that the template makes. A safety net never does.

    Where the service has changed the name, the mark tells what was asked for.
    """
    if checkpoint.ownership.safety:
        return False
    naming, prefix, vm = spec.name_template, spec.prefix, observed.vm.name
    if checkpoint.matches_name(prefix):
        return True
    mark = checkpoint.mark
    if mark is not None and checkpoint.was_asked_as(naming.render(prefix, vm, mark.created, spec.timezone)):
        return True
    if naming.fits(checkpoint.name, prefix, vm, any_case=checkpoint.any_case):
        return True
    series = checkpoint.series  # a generated name's: what the template made, before its time and nonce
    return series is not None and naming.before_stamp().fits(series, prefix, vm, any_case=checkpoint.any_case)


def pins_of(spec: PolicySpec, checkpoint: Checkpoint) -> list[str]:
    """The elements of `pins` that mean the checkpoint: its id, its host id, its name, or its series' name."""
    return [each for each in spec.pins if checkpoint.has_id(each) or checkpoint.matches_name(each)]


def moment(observed: ObservedVm, checkpoint: Checkpoint) -> datetime | None:
    """When it was made, by the clock that `observed.now` comes from; None where nobody knows.

    Where the clocks agree that is the service's own time of creation, to the fraction of a second.
    """
    return _moment(observed, checkpoint, observed.age_as_shown(checkpoint))


def latest_moment(observed: ObservedVm, checkpoint: Checkpoint) -> datetime | None:
    """The same for what goes because it is old: the latest that any clock gives."""
    return _moment(observed, checkpoint, observed.age_at_least(checkpoint))


def _moment(observed: ObservedVm, checkpoint: Checkpoint, age: float | None) -> datetime | None:
    if age is None:
        return None
    found = observed.now - timedelta(seconds=age)
    shown = (checkpoint.created, checkpoint.ownership.at)
    return next((each for each in shown if each is not None and abs(each - found) < timedelta(seconds=1)), found)
