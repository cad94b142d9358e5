# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that change checkpoints of VMs have in common."""

from __future__ import annotations

import typing as t
from functools import partial

from .._checkpoints.kind import VmCheckpoints
from .._core.errors import InvalidInput
from .._core.model import ObservedVm
from .._core.spec import Present, RestoreRequest, Spec
from .._engine.concurrency import Levels
from .._engine.kind import Kind
from .._engine.member import Member
from .._engine.run_options import RunOptions
from .._providers import Providers, RunContext
from . import result
from .checkpoint_result import CheckpointView
from .group_result import GroupView
from .look_up import open_each
from .run import Params, converge
from .vm_references import VMS_EMPTY, references_of


async def converge_vms(spec: Spec, params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of bringing the VMs of `vm` or `vms` to the spec."""
    group = _group_of(spec, params)
    references = references_of(params)
    view = CheckpointView()
    show = partial(result.show, view, context.check_only)
    members, total = await converge(partial(_open, spec, references), params, context, show)
    return result_of(members, view, params, total, check_only=context.check_only, group=group)


def result_of(
    members: t.Sequence[Member],
    view: result.ListedView,
    params: Params,
    total: float,
    *,
    check_only: bool,
    group: GroupView | None = None,
) -> dict[str, t.Any]:
    """The result for the VM of `vm`, or for the list of those of `vms`, after `total` seconds."""
    if params.get("vms") is None:
        return result.one(members[0], view, total, check_only=check_only)
    found = result.many(members, view, check_only=check_only, group=group) | {"timing": {"total": total}}
    return found if members else found | {"warnings": [VMS_EMPTY]}


def _group_of(spec: Spec, params: Params) -> GroupView | None:
    """How the result shows the VMs as one unit, if they are to be one; InvalidInput where they cannot be.

    The modules declare some of these rules too, which a null in a playbook passes.
    """
    group = RunOptions.of(params).group
    if group is None:
        return None
    if not isinstance(spec, (Present, RestoreRequest)):
        raise InvalidInput("group: goes with state=present only; removing has no order that matters, and no way back.")
    if not params.get("vms"):
        raise InvalidInput(
            "group: needs vms, and at least one VM in it.", remedy="A group of no VM would protect nothing in silence."
        )
    if isinstance(spec, RestoreRequest) and group.on_failure == "undo":
        raise InvalidInput("group: a restore cannot be undone; on_failure takes keep only.")
    return GroupView(group, restores=isinstance(spec, RestoreRequest))


async def _open(
    spec: Spec, references: t.Sequence[str], providers: Providers, options: RunOptions, levels: Levels
) -> list[Kind[ObservedVm]]:
    make = partial(VmCheckpoints, spec=spec, settle_time=options.settle_time.total_seconds())
    return await open_each(make, references, providers, options, levels)
