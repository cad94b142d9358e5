# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point_collection_info` does, without Ansible: collections, their points, and how far copies are."""

from __future__ import annotations

import typing as t

from .._arm import ids as _arm_id
from .._core.errors import CheckpointError, InvalidInput, SignInRefused
from .._core.spec import validate_options
from .._deps import anyio
from .._engine.concurrency import MOST_READ, Concurrency
from .._engine.run_options import RunOptions
from .._providers import Providers, RunContext
from .._restore_points import results
from .._restore_points.client import RestorePointClient
from .._restore_points.specs import CollectionQuery, collection_id, require_query_api, source_of
from .readings import Readings

Params = t.Mapping[str, t.Any]


async def restore_point_collection_info(params: Params, context: RunContext) -> dict[str, t.Any]:
    """What exists; changes nothing, in check mode or not."""
    query = validate_options(CollectionQuery, {name: params.get(name) for name in CollectionQuery.model_fields})
    source = None if query.source is None else source_of(query.source).canonical
    options = RunOptions.of({**params, "on_error": None})
    start = anyio.current_time()
    deadline = options.deadline()
    found: dict[int, dict[str, t.Any] | None] = {}
    readings = Readings(query.on_error)
    concurrency = Concurrency(options.concurrency, MOST_READ)
    async with Providers(params, context._replace(pressure=lambda _service: concurrency), deadline) as providers:
        arm, settings = await providers.arm()
        require_query_api(query, settings.compute_api_version)
        client = RestorePointClient(arm, settings)
        ids = await _ids(client, query, settings.subscription_id)

        async def one(position: int) -> None:
            name = ids[position].rpartition("/")[2]
            try:
                found[position] = await _one(client, query, source, ids[position])
            except SignInRefused:
                raise
            except CheckpointError as problem:
                raise problem.with_subject(f"collection {name}") from None

        await readings.run(readings.each(range(len(ids)), one, lambda _position: concurrency))
    shown = []
    for position, collection in enumerate(ids):
        status = readings.status(position, is_read=position in found)
        error = readings.errors.get(position)
        of_it = found.get(position) if status == "read" else results.unread_collection(collection)
        if of_it is not None:
            shown.append(of_it | {"status": status, "error": None if error is None else error.to_result()})
    timing = {"total": round(anyio.current_time() - start, 2)}
    outcome = readings.outcome(len(ids), "collections", "restore_point_collections")
    return {"changed": False, "restore_point_collections": shown, **outcome, "timing": timing}


async def _ids(client: RestorePointClient, query: CollectionQuery, subscription: str | None) -> list[str]:
    """By name one; by resource group as listed; whole subscriptions from Resource Graph."""
    if query.name is not None:
        return [str(collection_id(subscription, query.resource_group, query.name))]
    if query.subscriptions is not None:
        return sorted(await client.graph(query.subscriptions), key=str.lower)
    if subscription is None:
        raise InvalidInput("subscription_id: is needed (or AZURE_SUBSCRIPTION_ID).")
    if query.resource_group is not None:
        return await client.collections(subscription, query.resource_group)
    return sorted(await client.graph([subscription]), key=str.lower)


async def _one(
    client: RestorePointClient, query: CollectionQuery, source: str | None, collection: str
) -> dict[str, t.Any] | None:
    entity = await client.collection(_arm_id.parse(collection))
    if entity is None:
        return None
    if source is not None and not entity.is_of(source):
        return None
    points: list[dict[str, t.Any]] = []
    for point in entity.points:
        whole = (await client.point(point.id) or point) if query.instance_view else point
        shown = results.point(whole, elsewhere=entity.is_elsewhere)
        if query.disk_restore_points:
            shown["disk_restore_points"] = [
                results.disk_restore_point(each) for each in await client.disk_restore_points(point.id)
            ]
        points.append(shown)
    return t.cast(dict[str, t.Any], results.collection(entity, points)) | (
        {} if query.points else {"restore_points": None}
    )
