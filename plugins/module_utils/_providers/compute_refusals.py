# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a restore in place is refused before its first write. Pure."""

from __future__ import annotations

import typing as t

from .._errors import InvalidInput, MissingCheckpoint
from .._model import Inventory
from .compute_entities import Disk, PointEntity


def refuse_unusable(actual: Inventory, entity: PointEntity, todo: t.Sequence[Disk]) -> None:
    """A point from which not every disk can be made is refused before the first one is."""
    lacking = [disk.place for disk in todo if not (disk.diskRestorePoint and disk.diskRestorePoint.id)]
    if todo and entity.state != "succeeded":
        why = f"it is {entity.state or 'in no state that is known'}"
    elif lacking:
        why = f"it lacks the disk restore point of {', '.join(lacking)}"
    else:
        return
    raise MissingCheckpoint(
        f"restore point {entity.name} cannot be restored: {why}. Nothing was changed.",
        subject=str(actual.vm),
        remedy="Choose another.",
    )


def refuse_strangers(actual: Inventory, new: t.Mapping[str, str], disks: t.Sequence[Disk]) -> None:
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
