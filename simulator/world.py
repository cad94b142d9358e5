# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is simulated, in one object: no globals, no threads, no time of its own."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

from simulator.azure.identities import Identities
from simulator.azure.subscription import Azure
from simulator.documents.azure_seeding import LOCATIONS, dump_compute, plant_compute
from simulator.documents.check import check_world
from simulator.documents.seeding import DEFAULT_DOCUMENT, dump_vm, numbered_document, plant
from simulator.switches.all import Switches
from simulator.vmm.jobs import Job, Kind
from simulator.vmm.machines import VirtualMachine
from simulator.vmm.server import Vmm
from simulator.wire.clock import WorldClock
from simulator.wire.faults import Faults
from simulator.wire.ids import Ids
from simulator.wire.journal import Journal

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Credentials:
    """What the services accept; the server makes them up at every start."""

    spf_username: str
    spf_password: str
    spf_token: str
    tenant: str
    client_id: str
    secret: str


@dataclass
class Site:
    """Where VMs live: one VMM server, seen through one service."""

    vmm: Vmm
    subscription_id: str
    stamp_id: str = ""
    cloud_id: str = ""
    resource_group: str = ""
    location: str = ""


@dataclass
class Machine:
    """A Microsoft.HybridCompute machine without an SCVMM instance: what a list must be filtered for."""

    resource_uri: str
    kind: str | None


@dataclass
class Operation:
    """An operation on an SCVMM instance: a job of VMM and the words ARM has for it."""

    id: str  # `{guid}*{64 hex}`, the second part the same for all operations on a resource (recorded)
    job: Job
    resource_id: str
    version: str
    etag: str

    @property
    def on_resource(self) -> bool:
        """PUT and PATCH are polled with 200, actions and DELETE with 202 (recorded 2023-10-31)."""
        return self.job.kind in {Kind.PUT, Kind.PATCH}


class World:
    """The simulated world; `clock` gives seconds since 1970 (or any other steady count from there)."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        seed: str = "hybridvm",
        switches: Switches | None = None,
        document: dict[str, Any] | None = None,
        scale: float = 1.0,
    ) -> None:
        self.clock = WorldClock(clock, scale)
        self.seed = seed
        self.switches = switches or Switches()
        self._initial_switches = self.switches.as_dict()
        self._initial_document = deepcopy(document) if document is not None else deepcopy(DEFAULT_DOCUMENT)
        self.journal = Journal()
        self.faults = Faults()
        self.tokens: dict[str, tuple[float, str]] = {}  # token -> end, audience; they outlive a load
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}  # what is left in each of ARM's, and when
        self.arm_actions: frozenset[str] | None = None  # what the caller may do in ARM; None: everything
        self.secret_ids = Ids(f"{seed}:wire")
        self.signing_key = self.secret_ids.text(32)
        self.identities = Identities(Ids(f"{seed}:identities").text)
        self._facts = _made_up(Ids(f"{seed}:site"))
        self.load(self._initial_document)
        self._initial_facts = self._facts

    @classmethod
    def default(
        cls, clock: Callable[[], float] = time.time, *, seed: str = "hybridvm", switches: Switches | None = None
    ) -> World:
        """web01 and db01 behind SPF, app01 and app02 behind Arc, each with an old checkpoint `baseline`."""
        return cls(clock, seed=seed, switches=switches)

    # Building -------------------------------------------------------------------------------------------------

    def load(self, document: dict[str, Any]) -> None:
        """Replace all VMs by the document's; credentials and subscriptions stay unless the document names them.

        WrongDocument, and nothing replaced, where it cannot be understood.
        """
        check_world(document)
        self._facts = {
            section: {**known, **{name: value for name, value in document.get(section, {}).items() if name in known}}
            for section, known in self._facts.items()
        }
        self.credentials = Credentials(**{**self._facts["credentials"], **document.get("credentials", {})})
        spf, arc = document.get("spf", {}), document.get("scvmm", {})
        taken = frozenset(_GUID.findall(json.dumps(document).lower()))
        self.spf = Site(Vmm(Ids(f"{self.seed}:spf", taken), self.now, self.switches), **self._facts["spf"])
        self.arc = Site(Vmm(Ids(f"{self.seed}:scvmm", taken), self.now, self.switches), **self._facts["scvmm"])
        self.machines = [
            Machine(each.get("resource_uri") or self.machine_uri(each["name"]), each.get("kind"))
            for each in arc.get("machines", [])
        ]
        self.operations: dict[str, Operation] = {}
        compute = document.get("compute", {})
        locations = list(compute.get("locations", LOCATIONS))
        self.azure = Azure(Ids(f"{self.seed}:compute"), self.now, self.switches, self.arc.subscription_id, locations)
        self.azure.add_group(self.arc.resource_group, self.arc.location)
        plant_compute(self.azure, compute)
        for each in spf.get("vms", []):
            plant(self.spf.vmm, each)
        for each in arc.get("vms", []):
            plant(self.arc.vmm, {"resource_uri": self.machine_uri(each["name"]), **each})

    def reset(self) -> None:
        """Back to how it was at the start, journal and faults included; time goes on."""
        for name, value in self._initial_switches.items():
            setattr(self.switches, name, value)
        self._facts = self._initial_facts
        self.load(self._initial_document)
        self.arm_actions = None
        self.buckets.clear()
        self.identities = Identities(Ids(f"{self.seed}:identities").text)
        self.journal.clear()
        self.faults.clear()

    def populate(self, *, spf: int = 0, scvmm: int = 0, compute: int = 0) -> None:
        """Replace all VMs by so many numbered ones; credentials and subscriptions stay."""
        self.load(numbered_document(self.dump(), spf, scvmm, compute))

    def dump(self) -> dict[str, Any]:
        """The world as a document that `load` takes, secrets included: it is the simulator's own."""
        self.settle()
        return {
            "credentials": {each.name: getattr(self.credentials, each.name) for each in fields(Credentials)},
            "spf": {
                "subscription_id": self.spf.subscription_id,
                "stamp_id": self.spf.stamp_id,
                "cloud_id": self.spf.cloud_id,
                "vms": [dump_vm(vm) for vm in self.spf.vmm.vms],
            },
            "scvmm": {
                "subscription_id": self.arc.subscription_id,
                "resource_group": self.arc.resource_group,
                "location": self.arc.location,
                "machines": [{"resource_uri": machine.resource_uri, "kind": machine.kind} for machine in self.machines],
                "vms": [dump_vm(vm) for vm in self.arc.vmm.vms],
            },
            "compute": dump_compute(self.azure),
        }

    def add_machine(self, resource_uri: str, kind: str | None) -> None:
        """A machine that has no SCVMM instance (yet)."""
        self.machines.append(Machine(resource_uri, kind))

    # Looking ----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Simulated seconds since 1970."""
        return self.clock.now()

    def settle(self) -> None:
        self.spf.vmm.settle()
        self.arc.vmm.settle()
        self.azure.settle()

    def site(self, service: str) -> Site:
        """`spf` or `scvmm`; KeyError for anything else."""
        return {"spf": self.spf, "scvmm": self.arc}[service]

    def vm(self, name: str, service: str | None = None) -> VirtualMachine:
        """The first VM of that name or id, its jobs up to date; KeyError when there is none."""
        self.settle()
        for site in [self.site(service)] if service else [self.spf, self.arc]:
            for vm in site.vmm.vms:
                if name in {vm.name, vm.id, vm.resource_uri}:
                    return vm
        raise KeyError(name)

    def issue_token(self, audience: str = "https://management.azure.com/") -> str:
        """A bearer token that ARM takes until `token_lifetime` is over."""
        token = self.secret_ids.text(240)
        self.tokens[token] = (self.now() + self.switches.token_lifetime, audience)
        return token

    def machine_uri(self, name: str) -> str:
        """The ARM id of a machine in this world's resource group."""
        return (
            f"/subscriptions/{self.arc.subscription_id}/resourceGroups/{self.arc.resource_group}"
            f"/providers/Microsoft.HybridCompute/machines/{name}"
        )


def _made_up(ids: Ids) -> dict[str, dict[str, str]]:
    """Credentials and places for a document that names none."""
    return {
        "credentials": {
            "spf_username": "svc-ansible",
            "spf_password": ids.text(20),
            "spf_token": ids.text(120),
            "tenant": ids.guid(),
            "client_id": ids.guid(),
            "secret": ids.text(40),
        },
        "spf": {"subscription_id": ids.guid(), "stamp_id": ids.guid(), "cloud_id": ids.guid()},
        "scvmm": {"subscription_id": ids.guid(), "resource_group": "rg-hybrid", "location": "eastus"},
    }
