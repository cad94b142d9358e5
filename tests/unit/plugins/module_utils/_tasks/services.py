# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that hold VMs as they are to be read, and the way in which a task opens them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar, Union

import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Leftover, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext, Scope
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW, SERVICE
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Result = TypeVar("Result")
Held = Union[ObservedVm, VM, CheckpointError]


def machine(name: str, **fields: Any) -> VM:
    """A VM of SPF that is known by its name."""
    given = {"reference": name, "id": f"id-{name}", "canonical": name, "provider": "spf", "service": "s"}
    return VM(**{"name": name, **given, **fields})


def observed(name: str, *points: Checkpoint, vm: Mapping[str, Any] | None = None, **fields: Any) -> ObservedVm:
    """The same as it was read."""
    return ObservedVm(machine(name, **(vm or {})), points, NOW, **fields)


class Service:
    """Finds VMs by reference and reads them, each in a while; an error in place of one is raised when it is read."""

    def __init__(
        self,
        held: Mapping[str, Held] | None = None,
        *,
        listed: Sequence[VM | ObservedVm] | CheckpointError = (),
        left: Mapping[str, list[Leftover] | CheckpointError] | None = None,
        capabilities: Capabilities = SERVICE,
        seconds: float = 0.0,
    ) -> None:
        self.capabilities = capabilities
        self._held, self._listed, self._left, self._seconds = held or {}, listed, left or {}, seconds
        self.asked: list[str] = []
        self.scopes: list[Scope] = []

    def identify(self, _reference: str) -> VM | None:
        """Nobody but the service can tell."""
        return None

    async def prefetch(self, _references: Sequence[str]) -> None:
        """There is nothing that comes in fewer requests."""

    async def resolve(self, reference: str) -> VM:
        """The VM, if it is there; one that cannot be read can be found."""
        if reference not in self._held:
            raise NotFound("no such VM.")
        found = self._held[reference]
        vm = found.vm if isinstance(found, ObservedVm) else found if isinstance(found, VM) else machine(reference)
        return replace(vm, reference=reference)

    async def list_scope(self, scope: Scope) -> Sequence[VM | ObservedVm]:
        """What was said to be listed."""
        self.scopes.append(scope)
        if isinstance(self._listed, CheckpointError):
            raise self._listed
        return self._listed

    async def first_reading(self, vm: VM, purpose: str) -> ObservedVm:
        """The VM as it is held."""
        self.asked.append(f"{vm.name} for {purpose}")
        await trio.sleep(self._seconds)
        found = self._held[vm.reference]
        if isinstance(found, CheckpointError):
            raise found
        assert isinstance(found, ObservedVm)
        return replace(found, vm=vm)

    async def readiness(self, _actual: ObservedVm, _checkpoint: Checkpoint) -> None:
        """All data is there."""

    async def read(self, vm: VM, purpose: str) -> ObservedVm:
        """The same as before."""
        return await self.first_reading(vm, purpose)

    async def leftovers(self, actual: ObservedVm) -> list[Leftover]:
        """What was said to be left of it."""
        self.asked.append(f"leftovers of {actual.vm.name}")
        found = self._left.get(actual.vm.name, [])
        if isinstance(found, CheckpointError):
            raise found
        return found


class Opened:
    """Stands for the class Providers: opens the services that are given, and remembers with what."""

    service_of = staticmethod(Providers.service_of)

    def __init__(self, settings: ArmSettings | None = None, **services: Service) -> None:
        self._services = services
        self._settings = settings or ArmSettings()
        self.is_closed = False

    def __call__(self, params: Any, context: RunContext, deadline: Any) -> Opened:
        self.params, self.context, self.deadline = params, context, deadline
        return self

    async def __aenter__(self) -> Opened:
        return self

    async def __aexit__(self, *_problem: object) -> None:
        self.is_closed = True

    async def of(self, reference: str) -> Service:
        """The service of a reference."""
        return self._services[self.service_of(reference)]

    async def of_scope(self, scope: Scope) -> Service:
        """The service of a scope."""
        return self._services[scope.kind]

    async def arm(self) -> tuple[Any, ArmSettings]:
        """A resource manager that nothing is asked of."""
        return SimpleNamespace(base="https://arm"), self._settings

    def address_of(self, kind: str) -> str:
        """Where it is asked."""
        return f"at {kind}"


def later(main: Callable[[], Awaitable[Result]]) -> Result:
    """Run a while after the clock has begun, so that a moment is no duration."""

    async def run() -> Result:
        await trio.sleep(1000.0)
        return await main()

    return virtual(run)


def context(**fields: Any) -> RunContext:
    """Surroundings without anything in them."""
    return RunContext({}, lambda: datetime(2026, 11, 20, 12, 0, tzinfo=UTC), **fields)
