# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two modules that change a VM's checkpoints have in common."""

from __future__ import annotations

import typing as t
from functools import partial

from .._checkpoints.kind import VmCheckpoints
from .._core.errors import InvalidInput
from .._core.model import ObservedVm
from .._core.redaction import Redactor
from .._core.spec import Present, RestoreRequest, Spec
from .._engine.concurrency import Levels
from .._engine.kind import Kind
from .._engine.run_options import RunOptions
from .._providers import Providers, RunContext
from . import result
from .checkpoint_result import CheckpointView
from .group_result import GroupView
from .look_up import open_each
from .run import Params, converge
from .vm_references import VMS_EMPTY, references_of


async def converge_vms(
    spec: Spec, params: Params, check_only: bool, context: RunContext, redactor: Redactor
) -> dict[str, t.Any]:
    """The result of bringing the VMs of `vm` or `vms` to the spec."""
    group = _group_of(spec, params)
    references = references_of(params)
    view = CheckpointView()
    show = partial(result.show, view, check_only)
    members, total = await converge(partial(_open, spec, references), params, check_only, context, redactor, show)
    if params.get("vms") is not None:
        found = result.many(members, view, check_only=check_only, group=group) | {"timing": {"total": total}}
        return found if references else found | {"warnings": [VMS_EMPTY]}
    return result.one(members[0], view, total, check_only=check_only)


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
