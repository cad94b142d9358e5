# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VMs of a tenant at once: two lists show them all, however many a task is about."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from datetime import datetime

from ..._core.errors import CheckpointError, SignInRefused
from ..._http.response import Response
from ..base import clock
from .entities import CheckpointEntity, VmEntity
from .reader import SpfReader

Kind = t.TypeVar("Kind", CheckpointEntity, VmEntity)
FEW = 20
"""Up to so many VMs are read one by one: a tenant may have thousands of others."""
FIELDS = ("ID", "VMId", "Name")
"""By what a reference may name a VM."""


class Tenant:
    """What the lists showed of the VMs that `wanted` may mean, kept small: each VM is taken out once."""

    def __init__(self, wanted: t.Collection[str], now: t.Callable[[], datetime]) -> None:
        self._wanted = {reference.lower() for reference in wanted}
        self._wall_clock = now
        self._found: dict[tuple[str, str], list[VmEntity]] = defaultdict(list)
        self._points: dict[str, list[bytes]] = {}
        self._pages = 0
        self._date: datetime | None = None

    def by(self, field: str, reference: str) -> list[VmEntity]:
        """The VMs whose `field` is that, in any case."""
        return self._found.get((field, reference.lower()), [])

    def take(self, vm_id: str) -> list[CheckpointEntity] | None:
        """The checkpoints of a VM, the first time that they are asked for."""
        points = self._points.pop(vm_id, None)
        return None if points is None else [CheckpointEntity.model_validate_json(point) for point in points]

    @property
    def now(self) -> tuple[datetime, float]:
        """When the lists were read."""
        return clock([self._date], self._wall_clock())

    def add_machine(self, machine: VmEntity) -> None:
        """Keep a VM, if it is one that a reference may mean."""
        values = [(getattr(machine, field) or "").lower() for field in FIELDS]
        if self._wanted.isdisjoint(values):
            return
        self._points[machine.ID.lower()] = []
        for key in zip(FIELDS, values, strict=True):
            self._found[key].append(machine)

    def add_point(self, point: CheckpointEntity) -> None:
        """Keep a checkpoint of such a VM, as JSON: as an object it would take ten times the memory."""
        points = self._points.get((point.VMId or "").lower())
        if points is not None:
            points.append(point.model_dump_json(exclude_none=True).encode())

    async def read(self, reader: SpfReader) -> bool:
        """Read both lists; False where that would take more requests than the VMs one by one."""
        await self._list(reader, VmEntity, "VirtualMachines", self.add_machine)
        await self._list(reader, CheckpointEntity, "VMCheckPoints", self.add_point)
        return self._pages < len(self._wanted)

    async def _list(self, reader: SpfReader, kind: type[Kind], entities: str, add: t.Callable[[Kind], None]) -> None:
        def take(page: t.Iterator[Kind], response: Response) -> bool:
            self._pages += 1
            self._date = response.date or self._date
            for entity in page:
                add(entity)
            return self._pages < len(self._wanted)

        if self._pages < len(self._wanted):
            await reader.walk(kind, entities, f"?$select={kind.select()}", take, f"listing {entities}")


async def survey(reader: SpfReader, references: t.Collection[str], now: t.Callable[[], datetime]) -> Tenant | None:
    """The tenant's lists, where they help. Whatever is wrong with them, the VMs one by one say it better."""
    if len(references) <= FEW:
        return None
    tenant = Tenant(references, now)
    try:
        return tenant if await tenant.read(reader) else None
    except SignInRefused:
        raise
    except CheckpointError:
        return None
