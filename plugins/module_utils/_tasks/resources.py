# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two modules for Azure's own resources have in common."""

from __future__ import annotations

import typing as t

from .._core.settings import ArmSettings
from .._engine.concurrency import Levels
from .._engine.kind import Kind
from .._engine.reconciler import Reconciler
from .._engine.run_options import RunOptions
from .._providers import Providers, RunContext
from .._restore_points.client import RestorePointClient
from .._restore_points.results import diff
from . import result
from .run import Params, converge

OpenKind: t.TypeAlias = t.Callable[[RestorePointClient, ArmSettings], Kind[t.Any]]
Show = t.Callable[[t.Any], t.Optional[dict[str, t.Any]]]


async def converge_resource(
    open_kind: OpenKind,
    key: str,
    show: Show,
    params: Params,
    context: RunContext,
) -> dict[str, t.Any]:
    """The result of bringing one resource to its spec; `show` makes the key that holds the resource."""

    async def open_kinds(providers: Providers, options: RunOptions, levels: Levels) -> list[Kind[t.Any]]:
        arm, settings = await providers.arm()
        return [open_kind(RestorePointClient(arm, settings), settings)]

    members, total = await converge(open_kinds, params, context)
    return result.one(members[0], ResourceView(key, show), total, check_only=context.check_only)


class ResourceView:
    """One resource under its key, and the fields that change."""

    def __init__(self, key: str, show: Show) -> None:
        self._key, self._show = key, show

    def keys(self, run: Reconciler[t.Any], *, check_only: bool) -> dict[str, t.Any]:
        """The resource as it was last read; null when there is none."""
        observed = run.observed
        return {self._key: None if observed is None or observed.entity is None else self._show(observed.entity)}

    def diff(self, run: Reconciler[t.Any], *, check_only: bool) -> dict[str, str] | None:
        """What each action sets, before and after."""
        return diff(str(run.kind.target), run.plan.writes if check_only else run.progress.actions)
