# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `leftover_disk` does: disks that restores of a VM have left are removed, by their ids."""

from __future__ import annotations

import typing as t
from functools import partial

from .._core.errors import InvalidInput
from .._core.spec import validate_options
from .._core.targets import VM
from .._engine.concurrency import Levels
from .._engine.reconciler import Reconciler
from .._engine.run_options import RunOptions
from .._leftovers.actions import DeleteLeftover
from .._leftovers.kind import LeftoverDisks
from .._leftovers.planner import ObservedDisks, same_disk
from .._leftovers.specs import LeftoverSpec
from .._providers import Providers, RunContext
from .._providers.compute.client import ComputeClient
from .._providers.compute.leftovers import left_disks
from . import result
from .look_up import resolve
from .run import Params, converge
from .vm_references import references_of


async def leftover_disk(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    spec = validate_options(LeftoverSpec, {name: params.get(name) for name in LeftoverSpec.model_fields})
    references = references_of({"vm": params.get("vm")})
    open_kinds = partial(_open, spec, references)
    members, total = await converge(open_kinds, params, context)
    return result.one(members[0], LeftoverView(), total, check_only=context.check_only)


async def _open(
    spec: LeftoverSpec, references: t.Sequence[str], providers: Providers, options: RunOptions, levels: Levels
) -> list[LeftoverDisks]:
    capabilities = (await providers.of(references[0])).capabilities
    if capabilities.restore_steps is None:
        raise InvalidInput(
            f"{capabilities.title} restores without new disks, so none are left.",
            subject=f"vm {references[0]}",
            remedy="Give an Azure VM. Checkpoints that a failed create left are removed with vm_checkpoint.",
        )
    ((provider, vm),) = await resolve(providers, references, levels)
    arm, settings = await providers.arm()
    return [LeftoverDisks(provider, ComputeClient(arm, settings), vm, spec)]


class LeftoverView:
    """`leftovers`: the disks that are still left."""

    def keys(self, run: Reconciler[ObservedDisks], *, check_only: bool) -> dict[str, t.Any]:
        """The disks that restores of the VM had left when the task began, and that are still there."""
        before, now = run.progress.before, run.observed
        if before is None or now is None:
            return {"leftovers": []}
        vm = t.cast(VM, run.kind.target)
        asked = now.asked
        kept = [
            each
            for each in left_disks(before.state)
            if (key := each.disk.id.lower()) not in asked
            or ((found := asked[key]) is not None and same_disk(found, each.disk))
        ]
        return {"leftovers": [each.show().to_result(vm) for each in kept]}

    def diff(self, run: Reconciler[ObservedDisks], *, check_only: bool) -> dict[str, str] | None:
        """The disks that are left, before and after."""
        if run.progress.before is None:
            return None
        before = left_disks(run.progress.before.state)
        actions = run.plan.actions if check_only else run.progress.actions
        gone = {action.disk.id.lower() for action in actions if isinstance(action, DeleteLeftover)}
        lines = {each.disk.id.lower(): f"  {each.disk.name}  {each.reason}\n" for each in before}
        header = f"leftover disks of {run.kind.target.name} ({run.kind.target.provider})"
        after = [line for key, line in lines.items() if key not in gone]
        texts = {"before": "".join(lines.values()), "after": "".join(after)}
        return {"before_header": header, "after_header": header, **texts}
