# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint_info` does: the checkpoints that exist, of one VM, of many, or of a whole scope."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import CheckpointError, InvalidInput, SignInRefused, SomeFailed
from .._core.model import VM, Checkpoint, ObservedVm
from .._core.redaction import Redactor
from .._core.spec import Duration, Name, validate_options
from .._deps import anyio, pydantic
from .._engine.concurrency import bounded
from .._engine.run_options import RunOptions
from .._providers import Provider, Providers, RunContext, Scope
from . import result
from .run import Params
from .vm_references import VMS_EMPTY, references_of, resolve


class InfoQuery(pydantic.BaseModel):
    """Which checkpoints `vm_checkpoint_info` shows."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    managed: bool | None = None
    older_than: Duration | None = None
    younger_than: Duration | None = None
    scope: t.Literal["spf", "scvmm", "compute"] | None = None
    resource_group: Name | None = None

    @pydantic.field_validator("resource_group")
    @classmethod
    def _group(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w().-]{0,89}[\w()-]", value):
            raise ValueError("takes up to 90 letters, digits and - _ . ( ), and does not end in a dot")
        return value

    def asks_for(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint passes the filters by name and owner."""
        return (self.name is None or checkpoint.matches_name(self.name)) and (
            self.managed is None or checkpoint.ownership.managed == self.managed
        )

    def shows(self, checkpoint: Checkpoint, actual: ObservedVm) -> bool:
        """Whether the checkpoint passes every filter; one of unknown age passes no filter by age."""
        age = actual.age(checkpoint)
        return (
            self.asks_for(checkpoint)
            and (self.older_than is None or (age is not None and age > self.older_than.total_seconds()))
            and (self.younger_than is None or (age is not None and age <= self.younger_than.total_seconds()))
        )

    def unknown_age_warning(self, inventories: t.Sequence[ObservedVm]) -> str | None:
        """What to tell of the checkpoints that a filter by age left out because nobody knows their age."""
        filters = " and ".join(name for name in ("older_than", "younger_than") if getattr(self, name) is not None)
        of = [each.vm.name for each in inventories for c in each.checkpoints if self.asks_for(c) and c.created is None]
        if not filters or not of:
            return None
        vms = list(dict.fromkeys(of))
        more = f" and {len(vms) - 5} more VMs" if len(vms) > 5 else ""
        listed = f"{', '.join(vms[:5])}{more}"
        return (
            f"{filters}: {len(of)} checkpoints of unknown age were left out, of {listed}; they may be older or younger."
        )


async def vm_checkpoint_info(
    params: Params, check_only: bool, context: RunContext, redactor: Redactor
) -> dict[str, t.Any]:
    """What exists; changes nothing, in check mode or not."""
    query = validate_options(InfoQuery, {name: params.get(name) for name in InfoQuery.model_fields})
    options = RunOptions.of(params)
    start, deadline = anyio.current_time(), options.deadline()
    async with Providers(params, context, deadline, redactor) as providers:
        references = references_of(params, scope=query.scope, takes_scope=True)
        found = await gather(providers, references, query_scope(query), options.concurrency)
    shown, vms, failed = [], [], []
    for provider, vm, actual, error in found:
        vms.append(_vm(provider, vm, actual, error))
        if error is not None:
            failed.append(error)
        if actual is not None:
            named = {"vm": vm.reference, "vm_name": vm.name, "vm_id": vm.id, "provider": vm.provider}
            shown += [named | actual.show(c) for c in actual.checkpoints if query.shows(c, actual)]
    timing = {"total": round(anyio.current_time() - start, 2)}
    info: dict[str, t.Any] = {"changed": False, "checkpoints": shown, "vms": vms, "timing": timing}
    warning = query.unknown_age_warning([each.actual for each in found if each.actual is not None])
    if warning is not None:
        info["warnings"] = [warning]
    if not references and query.scope is None:
        info["warnings"] = [VMS_EMPTY]
    if failed:
        problem = failed[0] if len(found) == 1 else SomeFailed(f"{len(failed)} of {len(found)} VMs: {failed[0]}")
        info |= result.failure(problem)
    return info


def query_scope(query: InfoQuery) -> Scope | None:
    """The whole scope that is asked for, if one is."""
    if query.scope is None and query.resource_group is not None:
        raise InvalidInput("resource_group: goes with scope: scvmm or compute.")
    return Scope(query.scope, query.resource_group) if query.scope else None


class Finding(t.NamedTuple):
    """One VM as `vm_checkpoint_info` found it: its inventory, or why it could not be read."""

    provider: Provider
    vm: VM
    actual: ObservedVm | None
    error: CheckpointError | None


async def gather(
    providers: Providers, references: t.Sequence[str], scope: Scope | None, concurrency: int
) -> list[Finding]:
    """Read the VMs that are named, or all of a scope, in that order."""
    targets: list[tuple[Provider, VM | ObservedVm]]
    if scope is None:
        targets = [*await resolve(providers, references, concurrency)]
    else:
        provider = await providers.of_scope(scope)
        targets = [(provider, vm) for vm in await provider.list_scope(scope)]
    found: dict[int, Finding] = {}

    async def one(position: int) -> None:
        provider, vm = targets[position]
        if isinstance(vm, ObservedVm):
            found[position] = Finding(provider, vm.vm, vm, None)
            return
        try:
            found[position] = Finding(provider, vm, await provider.read(vm, whole=False), None)
        except SignInRefused:
            raise
        except CheckpointError as error:
            found[position] = Finding(provider, vm, None, error.default_subject(str(vm)))

    await bounded(range(len(targets)), one, concurrency)
    return [found[position] for position in range(len(targets))]


def _vm(provider: Provider, vm: VM, actual: ObservedVm | None, error: CheckpointError | None) -> dict[str, t.Any]:
    return {
        "vm": vm.reference,
        "name": vm.name,
        "vm_id": vm.id,
        "provider": provider.capabilities.provider,
        "power": None if actual is None else actual.power,
        "checkpoint_count": None if actual is None else len(actual.checkpoints),
        "error": None if error is None else error.to_result(),
    }
