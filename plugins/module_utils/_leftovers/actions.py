# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with a disk that was left."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.plan import Action
from .._providers.compute.disk_entities import DiskEntity
from .._providers.compute.tags import short_name


@dataclass(frozen=True)
class DeleteLeftover(Action):
    """The disk goes. An approval covers the very disk, not another one that gets its name."""

    verb = "delete"
    once = True

    disk: DiskEntity

    def details(self) -> dict[str, t.Any]:
        return {"disk": {"id": self.disk.id, "name": self.disk.name, "size_gb": self.disk.properties.diskSizeGB}}

    def covered(self) -> dict[str, t.Any]:
        return {"disk_id": self.disk.id.lower(), "unique_id": self.disk.properties.uniqueId}

    def title(self) -> str:
        return f"delete disk {self.disk.name} of {self.target.name}"

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("delete_disk", f"delete_disk {short_name(self.disk.id)}".lower())
