# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections and restore points as plans, diffs and errors name them."""

from __future__ import annotations

from .._arm.ids import ArmId
from .._core.targets import Target


class CollectionTarget(Target):
    """A restore point collection."""

    kind = "collection"


class PointTarget(Target):
    """A restore point."""

    kind = "restore point"


def collection_target(home: ArmId, service: str) -> CollectionTarget:
    """The collection with that id; `service` is the resource manager's root."""
    return CollectionTarget(name=home.name, id=str(home), canonical=home.canonical, provider="compute", service=service)


def point_target(home: ArmId, name: str, service: str) -> PointTarget:
    """The restore point of that name in a collection."""
    point_id = f"{home}/restorePoints/{name}"
    return PointTarget(name=name, id=point_id, canonical=point_id.lower(), provider="compute", service=service)
