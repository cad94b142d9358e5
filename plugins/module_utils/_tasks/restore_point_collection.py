# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point_collection` does: a collection is present or absent."""

from __future__ import annotations

import typing as t

from .._core.settings import ArmSettings
from .._core.spec import validate_options
from .._providers import RunContext
from .._restore_points import results
from .._restore_points.client import RestorePointClient
from .._restore_points.collection import RestorePointCollection
from .._restore_points.specs import CollectionSpec, collection_id, require_collection_api
from .resources import converge_resource
from .run import Params


async def restore_point_collection(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    spec = validate_options(CollectionSpec, {name: params.get(name) for name in CollectionSpec.model_fields})

    def open_kind(client: RestorePointClient, settings: ArmSettings) -> RestorePointCollection:
        require_collection_api(spec, settings.compute_api_version)
        home = collection_id(settings.subscription_id, spec.resource_group, spec.name)
        return RestorePointCollection(client, spec, home)

    return await converge_resource(open_kind, "restore_point_collection", results.collection, params, context)
