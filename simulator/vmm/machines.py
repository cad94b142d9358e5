# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines and their checkpoints as a VMM server and its host know them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.vmm.hardware import Hardware
from simulator.vmm.jobs import Job
from simulator.wire.ids import same

# docs/services.md: states in which no checkpoint operation is possible; any *Checkpoint* state is one as well.
REFUSING_STATES = frozenset(
    {
        "Stored",
        "Missing",
        "HostNotResponding",
        "UnderMigration",
        "UnderCreation",
        "MergingDrives",
    }
)

# VMComputerSystemStateEnum of a public VMM portal: the state is a name, StatusString the text people read.
STATUS_TEXTS = {"PowerOff": "Stopped", "HostNotResponding": "Host Not Responding", "UnderMigration": "Under Migration"}


@dataclass(eq=False)
class Checkpoint:
    """One checkpoint: a row in VMM's database, a thing on the host, or (normally) both.

    `id` is VMM's, `checkpoint_id` the host's; the parent is named by its host id, a root's parent is
    the VM's own host id (docs/services.md).
    """

    id: str
    name: str | None
    description: str | None
    added: float
    modified: float
    checkpoint_id: str | None = None
    parent_id: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    hardware: Hardware = field(default_factory=Hardware)
    power: str = "PowerOff"
    checkpoint_type: str = "Production"  # what the VM's was when it was made
    enabled: bool = True
    made: float | None = None  # when the host had made it; None while only the row exists
    in_database: bool = True  # False: made behind VMM's back and not refreshed yet (docs/services.md)
    host_id_known: bool = True  # False: VMM never learns the host id (dn785083 shows such a row)


@dataclass(eq=False)
class VirtualMachine:
    """One VM with a guest small enough to look into.

    `pointer` is the host id of the checkpoint the VM is shown to stand on, the VM's own host id when it stands on
    none, and None for a VM stored in the library (docs/services.md). `stands_on` is where it really stands, if that is
    elsewhere.
    """

    id: str
    vm_id: str
    name: str
    added: float
    modified: float
    description: str = ""
    files: dict[str, str] = field(default_factory=dict)
    hardware: Hardware = field(default_factory=Hardware)
    power: str = "Running"
    status: str | None = None  # overrides what power says: UnderMigration, Missing, ...
    pointer: str | None = None
    stands_on: str | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    checkpoint_type: str = "Production"
    owner: str = ""
    most_recent_job: str | None = None
    failed_job: str | None = None
    resource_uri: str | None = None  # Arc: the machine's ARM id
    instance: dict[str, Any] | None = None  # Arc: what was put or patched, beyond what the domain knows
    disk_generation: int = 0  # Arc: disks get new names after create, restore and delete (recorded 2023-10-31)
    etag: int = 0
    stale: tuple[Job, dict[str, Any]] | None = None  # Arc: the checkpoints as they were before this job

    @property
    def stored(self) -> bool:
        return self.power == "Stored"

    @property
    def place(self) -> str:
        """The host id that the next checkpoint will have for its parent."""
        return self.stands_on or self.pointer or self.vm_id

    def stand(self, place: str, shown: str | None) -> None:
        """The VM now stands on `place`, and the service shows it on `shown`."""
        self.pointer = shown
        self.stands_on = None if same(place, shown) else place

    def state(self) -> str:
        return self.status or self.power

    def by_host_id(self, checkpoint_id: str | None) -> Checkpoint | None:
        return next((point for point in self.checkpoints if same(point.checkpoint_id, checkpoint_id)), None)

    def by_id(self, id_: str) -> Checkpoint | None:
        return next((point for point in self.checkpoints if same(point.id, id_)), None)

    def children(self, point: Checkpoint) -> list[Checkpoint]:
        return [other for other in self.checkpoints if same(other.parent_id, point.checkpoint_id)]


def status_text(state: str) -> str:
    return STATUS_TEXTS.get(state, state)
