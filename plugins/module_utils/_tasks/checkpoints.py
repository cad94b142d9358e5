# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two modules that change a VM's checkpoints have in common."""

from __future__ import annotations

import typing as t
from functools import partial

from .._checkpoints.kind import VmCheckpoints
from .._core.errors import InvalidInput
from .._core.model import VM
from .._core.redaction import Redactor
from .._core.spec import Spec
from .._engine.run_options import RunOptions
from .._providers import Provider, Providers, RunContext
from . import result
from .checkpoint_result import CheckpointView
from .run import Params, converge
from .vm_references import VMS_EMPTY, references_of, resolve


async def converge_vms(
    spec: Spec, params: Params, check_only: bool, context: RunContext, redactor: Redactor
) -> dict[str, t.Any]:
    """The result of bringing the VMs of `vm` or `vms` to the spec."""
    references = references_of(params)
    members, total = await converge(partial(_open, spec, references), params, check_only, context, redactor)
    if params.get("vms") is not None:
        found = result.many(members, CheckpointView(), check_only=check_only) | {"timing": {"total": total}}
        return found if references else found | {"warnings": [VMS_EMPTY]}
    return result.one(members[0], CheckpointView(), total, check_only=check_only)


async def _open(
    spec: Spec, references: t.Sequence[str], providers: Providers, options: RunOptions
) -> list[VmCheckpoints]:
    resolved = await resolve(providers, references, options.concurrency)
    require_findable(resolved, options)
    settle_time = options.settle_time.total_seconds()
    return [VmCheckpoints(provider, vm, spec, settle_time) for provider, vm in resolved]


def require_findable(resolved: t.Iterable[tuple[Provider, VM]], options: RunOptions) -> None:
    """InvalidInput for a task that would not wait where nothing leads back to what it started."""
    for provider, vm in resolved:
        if not options.wait and not provider.capabilities.operations_findable:
            raise InvalidInput(
                f"wait: false is not possible on {provider.capabilities.title}: nothing leads back to operations.",
                subject=str(vm),
                remedy="Leave wait out.",
            )
