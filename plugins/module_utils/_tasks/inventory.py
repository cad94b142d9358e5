# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory plugin `vms` reads: every VM of its scopes, and what there is of each one's checkpoints."""

from __future__ import annotations

import typing as t

from .._checkpoints.clock_warnings import clock_warnings
from .._core.spec import validate_options
from .._core.targets import VM
from .._engine.concurrency import Levels
from .._engine.run_options import RunOptions
from .._providers import Provider, Providers, RunContext, Scope
from .inventory_hosts import Row, row
from .inventory_query import InventoryQuery
from .readings import Readings
from .run import Params
from .vm_checkpoint_info import Finding, level_of, list_scope


def query_of(params: Params) -> InventoryQuery:
    """The plugin's own options, validated."""
    return validate_options(InventoryQuery, {name: params.get(name) for name in InventoryQuery.model_fields})


async def inventory(params: Params, context: RunContext) -> dict[str, t.Any]:
    """The rows of all VMs that pass the filters, service by service. Changes nothing, in check mode or not.

    A scope that cannot be listed is an error; a VM that cannot be read stays, and says so.
    """
    query = query_of(params)
    options = RunOptions.of({name: params.get(name) for name in ("wait_timeout", "concurrency")})
    levels = Levels(options.concurrency)
    async with Providers(params, context._replace(pressure=levels.of), options.deadline()) as providers:
        crowd = Crowd(query, levels)
        await crowd.find(providers)
        await crowd.read()
    return crowd.result()


class Crowd:
    """The VMs of all scopes. What was observed of one is dropped for its row as soon as that is made."""

    def __init__(self, query: InventoryQuery, levels: Levels) -> None:
        self._query, self._levels = query, levels
        self._findings: list[Finding] = []
        self._rows: dict[int, Row] = {}
        self._readings = Readings("report")
        self._clocks: dict[int, list[str]] = {}

    async def find(self, providers: Providers) -> None:
        """Find the VMs. Each service's first list goes alone: a wrong password is then tried once (accounts lock)."""
        scopes = self._query.scopes()
        found: dict[Scope, list[Finding]] = {}

        async def one(scope: Scope) -> None:
            found[scope] = [each for each in await list_scope(providers, scope) if self._query.keeps(_vm(each))]

        first = list({scope.kind: scope for scope in reversed(scopes)}.values())
        for scope in reversed(first):
            await one(scope)
        await self._levels.reading.each([scope for scope in scopes if scope not in first], one)
        listed = [each for scope in scopes for each in found[scope]]
        self._findings = list({(_vm(each).service, _vm(each).canonical): each for each in listed}.values())

    async def read(self) -> None:
        """Read those whose list has not shown their checkpoints, unless only names are asked for."""

        async def one(position: int) -> None:
            finding = self._findings[position]
            if self._query.checkpoints:
                await finding.read()
            self._keep(position, finding)

        await self._readings.each(
            range(len(self._findings)), one, lambda position: level_of(self._findings[position], self._levels)
        )

    def _keep(self, position: int, finding: Finding) -> None:
        vm = _vm(finding)
        self._rows[position] = row(vm, finding.actual, None)
        if (actual := finding.actual) is not None:
            if warned := clock_warnings(actual, actual.checkpoints):
                self._clocks[position] = [f"{vm}: {text}" for text in warned]
            finding.actual = None

    def result(self) -> dict[str, t.Any]:
        """`rows` in the order of the services and their lists, and `warnings` if there are any."""
        for position, problem in self._readings.errors.items():
            self._rows[position] = row(_vm(self._findings[position]), None, problem)
        rows = [self._rows[position] for position in range(len(self._findings))]
        outcome = self._readings.outcome(len(rows), "VMs", "checkpoint_error")
        warnings = self._of_clocks() + outcome.get("warnings", [])
        return {"changed": False, "rows": rows, **({"warnings": warnings} if warnings else {})}

    def _of_clocks(self) -> list[str]:
        """Those of each service's first VM that has any, whichever was read first."""
        first: dict[str, list[str]] = {}
        for position in sorted(self._clocks):
            first.setdefault(_vm(self._findings[position]).service, self._clocks[position])
        return [text for texts in first.values() for text in texts]


def _vm(finding: Finding) -> VM:
    """The VM of a finding from a list, which has always one."""
    _provider, vm = t.cast(tuple[Provider, VM], finding.found)
    return vm
