# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint_policy` does: a series of checkpoints is fresh and holds what is to be kept; and its audit."""

from __future__ import annotations

import typing as t
from functools import partial

from .._core.errors import NotCompliant
from .._core.model import ObservedVm
from .._core.spec import validate_options
from .._engine.concurrency import Levels
from .._engine.kind import Kind
from .._engine.member import Member
from .._engine.reconciler import Reconciler
from .._engine.run_options import RunOptions
from .._policies.actions import RemovePoint
from .._policies.audit import UNREADABLE, Violation, compliance
from .._policies.kind import VmPolicy
from .._policies.specs import PolicySpec
from .._providers import Providers, RunContext
from .checkpoint_result import CheckpointView
from .checkpoints import result_of
from .look_up import open_each
from .run import Params, converge
from .vm_references import references_of

NESTED = ("keep", "thresholds")
"""Options whose suboptions have defaults: what is not given of them is null."""


async def vm_checkpoint_policy(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The result of the module."""
    spec = validate_options(PolicySpec, {name: _given(name, params.get(name)) for name in PolicySpec.model_fields})
    opened = partial(_open, spec, references_of(params))
    review = None if spec.max_deletes_total is None else partial(_review, spec.max_deletes_total)
    members, total = await converge(opened, params, context, review=review)
    for member in members:
        _judge(member, spec)
    return result_of(members, PolicyView(), params, total, check_only=context.check_only)


def _given(name: str, value: object) -> object:
    if name in NESTED and isinstance(value, dict):
        return {each: of_it for each, of_it in value.items() if of_it is not None}
    return value


async def _open(
    spec: PolicySpec, references: t.Sequence[str], providers: Providers, options: RunOptions, levels: Levels
) -> list[Kind[ObservedVm]]:
    settle_time, patience = options.settle_time.total_seconds(), options.wait_timeout.total_seconds()
    make = partial(VmPolicy, spec=spec, settle_time=settle_time, patience=patience)
    return await open_each(make, references, providers, options, levels)


def _review(most: int, runs: t.Sequence[Reconciler[ObservedVm]]) -> None:
    """Over max_deletes_total (`most`) nothing goes on any VM: which of them should be cut short nobody has said.

    A VM that is planned again, because its turn comes late, does not remove more than was counted here.
    """
    removals = {run: sum(isinstance(action, RemovePoint) for action in run.plan.actions) for run in runs}
    exceeded = sum(removals.values()) > most
    for run, count in removals.items():
        t.cast(VmPolicy, run.kind).allotted = 0 if exceeded else count
        if exceeded and count:
            run.plan_now()


def _judge(member: Member, spec: PolicySpec) -> None:
    """A VM of which something was left, or that does not comply where that is to fail, has failed."""
    shortfall = member.reconciler.plan.shortfall
    if member.error is None and shortfall is not None:
        member.fail(shortfall)
    if member.error is None and spec.on_violation == "fail" and (found := violations_of(member.reconciler)):
        found_text = "; ".join(f"{each.code}: {each.text}" for each in found)
        member.fail(NotCompliant(f"it does not comply with its policy: {found_text}."))


def violations_of(run: Reconciler[ObservedVm]) -> list[Violation]:
    """What is wrong, as it was last read: in check mode as it is, else as the run has left it."""
    if run.observed is None:
        return [UNREADABLE]
    return t.cast(VmPolicy, run.kind).audit(run.observed, run.progress).violations()


class PolicyView(CheckpointView):
    """`checkpoint` is the newest usable one; beside it whether the VM complies, and the numbers of its series."""

    def keys(self, run: Reconciler[ObservedVm], *, check_only: bool) -> dict[str, t.Any]:
        """Compliance in check mode is of what exists, else of what the run has left."""
        kind = t.cast(VmPolicy, run.kind)
        series = None if run.observed is None else kind.audit(run.observed, run.progress).series()
        more = {"compliance": compliance(violations_of(run)), "series": series}
        return {**super().keys(run, check_only=check_only), **more}
