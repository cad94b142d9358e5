# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan can be about: a thing as a service knows it, and among them the VM."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that a plan is about, as a service knows it.

    `id` is what the service's calls take, `canonical` the same thing in one spelling: two targets with the same service
    and canonical id are the same thing.
    """

    kind: t.ClassVar[str] = "target"

    name: str
    id: str
    canonical: str
    provider: str
    service: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def to_result(self) -> dict[str, str]:
        """How a plan's actions name it."""
        return {"target": self.name, "target_id": self.canonical}


@dataclass(frozen=True, kw_only=True)
class VM(Target):
    """One virtual machine.

    `reference` is what the user wrote, `host_id` the hypervisor's id for it, and `partition` what else the service's
    keys need (SPF: the StampId). `tags` and `location` are what a list of a scope showed; nothing is decided by them
    but which VMs an inventory holds.
    """

    kind = "vm"

    reference: str
    host_id: str | None = None
    partition: str = ""
    tags: t.Mapping[str, str] = field(default_factory=dict, compare=False)
    location: str | None = field(default=None, compare=False)

    def to_result(self) -> dict[str, str]:
        """How a plan's actions name it."""
        return {"vm": self.name, "vm_id": self.canonical}
