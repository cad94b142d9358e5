# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what bears a name now is what was read under it before."""

from __future__ import annotations

from .._providers.compute.entities import CollectionEntity, PointEntity


def is_another(found: CollectionEntity | PointEntity | None, planned: CollectionEntity | PointEntity) -> bool:
    """Whether what bears a name now is not what was read under it before: that has gone, and this was made anew."""
    if isinstance(found, PointEntity) and isinstance(planned, PointEntity):
        if found.created is not None and planned.created is not None:
            return found.created != planned.created
        return planned.failed and found.state in ("creating", "succeeded") and not found.failed
    made = [_guid(found), _guid(planned)]
    return all(made) and made[0] != made[1]


def _guid(found: CollectionEntity | PointEntity | None) -> str:
    """What tells a collection from another one of its name."""
    return (found.properties.restorePointCollectionId or "") if isinstance(found, CollectionEntity) else ""


def made_anew(found: CollectionEntity | PointEntity | None, planned: CollectionEntity | PointEntity) -> tuple[str, ...]:
    """The warning that another run has made it anew since it was to go."""
    if not is_another(found, planned):
        return ()
    return ("it has gone, and was made anew by another run since.",)
