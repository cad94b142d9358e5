# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all of Azure's steps share, and the one that makes a collection. Pure but for `send`."""

from __future__ import annotations

import typing as t
from abc import abstractmethod
from dataclasses import dataclass

from ..._arm.ids import ArmId
from ..._core.model import ObservedVm
from ..._core.operation import Operation
from ..._core.plan import Step
from .client import ComputeClient, Request, told_if_replaced
from .state import AzureVmState

TAG, TAG_VALUE = "hybridvm-checkpoints", "managed"
"""The tag of collections that this collection made: what lies in them is ours."""


@dataclass(frozen=True)
class AzureStep(Step):
    """One write. `op` names its class in results and stored plans, `writes_to` what a lock must not forbid."""

    op: t.ClassVar[str] = ""
    writes_to: t.ClassVar[str] = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.verb, self.writes_to)

    def about(self) -> dict[str, t.Any]:
        return {"op": self.op}

    @abstractmethod
    def request(self, state: AzureVmState) -> Request:
        """What it sends."""

    @abstractmethod
    def is_shown(self, state: AzureVmState) -> bool:
        """Whether it is done."""

    def is_done(self, observed: ObservedVm) -> bool:
        return self.is_shown(observed.detail)

    async def send(self, client: ComputeClient, observed: ObservedVm) -> Operation:
        """Send it."""
        return await client.send(self.request(observed.detail))


@dataclass(frozen=True)
class MakeCollection(AzureStep):
    """A collection of the VM's points, with the tag that says whose they are."""

    op = writes_to = "make_collection"
    home: ArmId
    location: str

    @property
    def summary(self) -> str:
        return f"make restore point collection {self.home.name}"

    @property
    def activity(self) -> str:
        return f"making restore point collection {self.home.name}"

    def about(self) -> dict[str, t.Any]:
        return super().about() | {"collection": self.home.canonical, "location": self.location}

    def request(self, state: AzureVmState) -> Request:
        source = {"source": {"id": self.target.id}}
        body = {"location": self.location, "tags": {TAG: TAG_VALUE}, "properties": source}
        return Request("PUT", self.home.path, body, self.activity)

    async def send(self, client: ComputeClient, observed: ObservedVm) -> Operation:
        return told_if_replaced(await super().send(client, observed), self.home.name)

    def is_shown(self, state: AzureVmState) -> bool:
        return state.collection is not None
