# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points as the core takes them. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..._core.model import Checkpoint
from ..._core.ownership import Ownership, read_generated
from ..._core.pins import Pin
from .entities import PointEntity
from .usability import usability
from .vm_entities import VmEntity


def checkpoints(
    points: t.Iterable[PointEntity],
    ours: bool,
    elsewhere: bool,
    pins: t.Mapping[str, Pin] | None = None,
    locked: t.Container[str] = (),
    vm: VmEntity | None = None,
) -> tuple[Checkpoint, ...]:
    """All of them: in the order of time, those of unknown time last. `pins` and `locked` are by id in lower case, `vm`
    is the one that they are looked at for.
    """
    found = [
        replace(
            _checkpoint(point, ours, elsewhere),
            kept=(pins or {}).get(point.id.lower()),
            locked=point.id.lower() in locked,
            of_another=vm is not None and point.is_of_another(vm),
        )
        for point in points
    ]
    dated = [each for each in found if each.created is not None]
    return (*sorted(dated, key=lambda each: (each.created, each.id)), *(each for each in found if not each.created))


def _checkpoint(point: PointEntity, ours: bool, elsewhere: bool) -> Checkpoint:
    """It is managed where its collection bears our tag (`ours`): points themselves bear none. Away from the VM's region
    (`elsewhere`) a point succeeds before its data has arrived.
    """
    series, owned = read_generated(point.name) or (None, Ownership())
    safety = bool(series and series.startswith("safety-before-"))
    return Checkpoint(
        id=point.id,
        name=point.name,
        created=point.created,
        usability=usability(point, elsewhere=elsewhere),
        owned=owned._replace(managed=ours or owned.managed, safety=safety),
        series=series,
        any_case=True,
        consistency=point.properties.consistencyMode,
    )
