# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point` does: a point or a copy is present or absent."""

from __future__ import annotations

import typing as t
from functools import partial

from .._core.settings import ArmSettings
from .._core.spec import validate_options
from .._providers import RunContext
from .._restore_points import results
from .._restore_points.client import RestorePointClient
from .._restore_points.point import RestorePoint
from .._restore_points.specs import PointSpec, collection_id, require_point_api
from .resources import converge_resource
from .run import Params


async def restore_point(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    spec = validate_options(PointSpec, {name: params.get(name) for name in PointSpec.model_fields})

    def open_kind(client: RestorePointClient, settings: ArmSettings) -> RestorePoint:
        require_point_api(spec, settings.compute_api_version)
        return RestorePoint(client, spec, collection_id(settings.subscription_id, spec.resource_group, spec.collection))

    # Of a copy no consistency is asked for: it has its source's.
    requested = spec.consistency if spec.source_restore_point is None else None
    show = partial(results.point, requested=requested)
    return await converge_resource(open_kind, "restore_point", show, params, context)
