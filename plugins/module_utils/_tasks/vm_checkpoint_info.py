# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `vm_checkpoint_info` does: the checkpoints that exist, of one VM, of many, or of a whole scope."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._checkpoints.clock_warnings import clock_warnings
from .._checkpoints.selection import select
from .._core.errors import CheckpointError, InvalidInput
from .._core.fields import Duration, OptionsModel
from .._core.formatting import printable
from .._core.model import Checkpoint, Leftover, ObservedVm
from .._core.selector import Select
from .._core.spec import Name, ResourceGroup, validate_options
from .._core.targets import VM
from .._deps import anyio
from .._engine.concurrency import Concurrency, Levels
from .._engine.run_options import RunOptions
from .._providers import Provider, Providers, RunContext, Scope
from .._providers.base import Purpose
from .look_up import look_up
from .readings import OnError, Readings
from .run import Params
from .vm_references import MAX_REFERENCE, VMS_EMPTY, references_of


class InfoQuery(OptionsModel):
    """Which checkpoints `vm_checkpoint_info` shows."""

    name: Name | None = None
    managed: bool | None = None
    older_than: Duration | None = None
    younger_than: Duration | None = None
    select: Select | None = None
    scope: t.Literal["spf", "scvmm", "compute"] | None = None
    resource_group: ResourceGroup | None = None
    on_error: OnError = "continue"
    leftovers: bool = False

    def asks_for(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint passes the filters by name and owner."""
        return (self.name is None or checkpoint.matches_name(self.name)) and (
            self.managed is None or checkpoint.ownership.managed == self.managed
        )

    def shows(self, checkpoint: Checkpoint, actual: ObservedVm) -> bool:
        """Whether the checkpoint passes every filter; one of unknown age passes no filter by age."""
        age, least = actual.age(checkpoint), actual.age_at_least(checkpoint)
        return (
            self.asks_for(checkpoint)
            and (self.older_than is None or (least is not None and least > self.older_than.total_seconds()))
            and (self.younger_than is None or (age is not None and age <= self.younger_than.total_seconds()))
        )

    def chosen(self, actual: ObservedVm) -> tuple[Checkpoint, ...]:
        """The checkpoints of a VM that are shown; UnknownTime where nobody can tell which is the latest."""
        shown = [c for c in actual.checkpoints if self.shows(c, actual)]
        return tuple(shown) if self.select is None else select(actual, shown, self.select).chosen

    @property
    def filters_by_time(self) -> list[str]:
        """The filters by which a time or an age decides what is shown."""
        given = [name for name in ("older_than", "younger_than") if getattr(self, name) is not None]
        return given + (["select"] if self.select is not None and self.select.by_time else [])

    def _leaves_out(self, checkpoint: Checkpoint, actual: ObservedVm) -> bool:
        """Whether nobody knows what the filters by time go by: a time, or for a duration an age."""
        spans = (self.older_than, self.younger_than, None if self.select is None else self.select.older_than)
        by_age = any(each is not None for each in spans)
        known = checkpoint.created is not None and not (by_age and actual.age(checkpoint) is None)
        return self.asks_for(checkpoint) and not known

    def unknown_age_warning(self, inventories: t.Sequence[ObservedVm]) -> str | None:
        """What to tell of the checkpoints that a filter by age left out because nobody knows their age."""
        filters = " and ".join(self.filters_by_time)
        of = [each.vm.name for each in inventories for c in each.checkpoints if self._leaves_out(c, each)]
        if not filters or not of:
            return None
        vms = list(dict.fromkeys(of))
        more = f" and {len(vms) - 5} more" if len(vms) > 5 else ""
        listed = f"{', '.join(vms[:5])}{more}"
        if len(of) == 1:
            return f"{filters}: 1 checkpoint of unknown age was left out, of {listed}; it may be older or younger."
        return (
            f"{filters}: {len(of)} checkpoints of unknown age were left out, of {listed}; they may be older or younger."
        )


async def vm_checkpoint_info(params: Params, context: RunContext) -> dict[str, t.Any]:
    """What exists; changes nothing, in check mode or not."""
    query = validate_options(InfoQuery, {name: params.get(name) for name in InfoQuery.model_fields})
    options = RunOptions.of({**params, "on_error": None})
    start, deadline = anyio.current_time(), options.deadline()
    levels = Levels(options.concurrency)
    survey = Survey(query, levels)
    async with Providers(params, context._replace(pressure=levels.of), deadline) as providers:
        await survey.run(providers, params)
    timing = {"total": round(anyio.current_time() - start, 2)}
    return survey.result() | {"timing": timing}


def query_scope(query: InfoQuery) -> Scope | None:
    """The whole scope that is asked for, if one is."""
    if query.scope is None and query.resource_group is not None:
        raise InvalidInput("resource_group: goes with scope: scvmm or compute.")
    return Scope(query.scope, query.resource_group) if query.scope else None


@dataclass
class Finding:
    """One VM as far as it is known: what was written, its service and the VM, what was read, what of it is shown."""

    reference: str
    found: tuple[Provider, VM] | None = None
    actual: ObservedVm | None = None
    leftovers: list[Leftover] = field(default_factory=list)
    shown: tuple[Checkpoint, ...] = ()

    async def read(self, *, leftovers: bool = False) -> None:
        """Read the VM, if it was found and its list has not shown it already."""
        if self.found is None:
            return
        provider, vm = self.found
        try:
            purpose: Purpose = "leftovers" if leftovers else "list"
            self.actual = self.actual or await provider.first_reading(vm, purpose)
            if leftovers:
                self.leftovers = await provider.leftovers(self.actual)
        except CheckpointError as problem:
            raise problem.default_subject(str(vm)) from None


def level_of(finding: Finding, levels: Levels) -> Concurrency:
    """The level at which the VM's service is read."""
    return levels.reading if finding.found is None else levels.of(finding.found[1].service).reading


async def list_scope(providers: Providers, scope: Scope) -> list[Finding]:
    """Every VM of a whole scope; still to be read, where one list does not show all checkpoints."""
    provider = await providers.of_scope(scope)
    return [_listed(provider, each) for each in await provider.list_scope(scope)]


class Survey:
    """The VMs that are named, or all of a scope, in that order. What cannot be read of one stays with it."""

    def __init__(self, query: InfoQuery, levels: Levels) -> None:
        self._query, self._levels = query, levels
        self._findings: list[Finding] = []
        self._readings = Readings(query.on_error)

    async def run(self, providers: Providers, params: Params) -> None:
        """Find the VMs and read them."""
        await self._readings.run(self._run(providers, params))

    async def _run(self, providers: Providers, params: Params) -> None:
        scope = query_scope(self._query)
        vm, vms = params.get("vm"), params.get("vms")
        # Each has its place before the first can fail.
        self._findings = [Finding(str(each)) for each in ([vm] if vm is not None else vms or [])]
        references = references_of(params, scope=self._query.scope, takes_scope=True, fail=self._readings.fail)
        if scope is None:
            await self._look_up(providers, references)
        else:
            self._findings = await list_scope(providers, scope)
        await self._readings.each(range(len(self._findings)), self._read, self._level_of)

    async def _look_up(self, providers: Providers, references: t.Sequence[str]) -> None:
        readings = self._readings
        found = await look_up(providers, references, self._levels, readings.fail, tuple(readings.errors))
        for position, each in found.items():
            self._findings[position].found = each

    def _level_of(self, position: int) -> Concurrency:
        return level_of(self._findings[position], self._levels)

    async def _read(self, position: int) -> None:
        finding = self._findings[position]
        try:
            await finding.read(leftovers=self._query.leftovers)
        finally:  # what was read is shown, although its leftovers cannot be
            if finding.actual is not None:
                finding.shown = self._query.chosen(finding.actual)

    def result(self) -> dict[str, t.Any]:
        """The keys of the result."""
        shown, left = list[dict[str, t.Any]](), list[dict[str, t.Any]]()
        for each in self._findings:
            if each.actual is not None:
                vm, actual = each.actual.vm, each.actual
                named = {"vm": vm.reference, "vm_name": vm.name, "vm_id": vm.id, "provider": vm.provider}
                shown += [named | actual.show(c) for c in each.shown]
                left += [every.to_result(vm) for every in each.leftovers]
        vms = [self._vm(position, each) for position, each in enumerate(self._findings)]
        outcome = self._readings.outcome(len(self._findings), "VMs", "vms")
        warnings = self._warnings() + outcome.pop("warnings", [])
        if warnings:
            outcome["warnings"] = warnings
        asked = {"leftovers": left} if self._query.leftovers else {}
        return {"changed": False, "checkpoints": shown, **asked, "vms": vms, **outcome}

    def _warnings(self) -> list[str]:
        """That there is nothing to read; or of what a filter by age cannot tell, and of clocks, once for a service."""
        if not self._findings and self._query.scope is None:
            return [VMS_EMPTY]
        read = [each.actual for each in self._findings if each.actual is not None]
        warnings = [each for each in [self._query.unknown_age_warning(read)] if each is not None]
        if self._query.filters_by_time:
            clocks: dict[str, list[str]] = {}
            for actual in read:
                warned = clock_warnings(actual, [each for each in actual.checkpoints if self._query.asks_for(each)])
                named = [f"{actual.vm}: {text}" for text in warned]
                clocks[actual.vm.service] = clocks.get(actual.vm.service) or named
            warnings += [text for texts in clocks.values() for text in texts]
        return warnings

    def _vm(self, position: int, finding: Finding) -> dict[str, t.Any]:
        vm = None if finding.found is None else finding.found[1]
        actual, error = finding.actual, self._readings.errors.get(position)
        return {
            "vm": _shown(finding.reference),
            "name": None if vm is None else vm.name,
            "vm_id": None if vm is None else vm.id,
            "provider": _service(finding.reference) if vm is None else vm.provider,
            "status": self._readings.status(position, is_read=actual is not None),
            "power": None if actual is None else actual.power,
            "checkpoint_count": None if actual is None else len(actual.checkpoints),
            "error": None if error is None else error.to_result(),
        }


def _listed(provider: Provider, found: VM | ObservedVm) -> Finding:
    if isinstance(found, ObservedVm):
        return Finding(found.vm.reference, (provider, found.vm), found)
    return Finding(found.reference, (provider, found))


def _shown(reference: str) -> str:
    """The reference as it was given, if a result can hold it."""
    fits = reference.isprintable() and len(reference) <= MAX_REFERENCE
    return reference if fits else printable(reference, MAX_REFERENCE)


def _service(reference: str) -> str | None:
    """The service that a reference belongs to, also where no VM was found; None for one that belongs to none."""
    try:
        return Providers.service_of(reference)
    except InvalidInput:
        return None
