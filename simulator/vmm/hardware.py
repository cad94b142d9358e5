# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's hardware as a checkpoint holds it: processors, memory, network adapters.

Three recordings of Microsoft.ScVmm (2024-07 to 2024-10) remove an adapter after createCheckpoint, and
restoreCheckpoint brings it back: the same MAC, another nicId, no name, and in two of the three no network. That
processors and memory come back too is inferred.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from simulator.wire.ids import same

SETTINGS = ("ipv4AddressType", "ipv6AddressType", "macAddressType")


@dataclass(frozen=True)
class Nic:
    """One network adapter; one that is connected has a network's name, and its ARM id if Arc was given one."""

    id: str
    mac: str
    name: str | None = None
    display_name: str = ""
    network: str | None = None
    network_name: str | None = None
    settings: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(SETTINGS, "Dynamic"))


@dataclass(frozen=True)
class Hardware:
    """Nothing of it is ever changed, so that a checkpoint may keep it as it is."""

    cpu_count: int = 2
    memory_mb: int = 2048
    nics: tuple[Nic, ...] = ()

    def as_document(self) -> dict[str, Any]:
        return {
            "cpu_count": self.cpu_count,
            "memory_mb": self.memory_mb,
            "nics": [{**asdict(nic), "settings": dict(nic.settings)} for nic in self.nics],
        }


def from_document(vm_id: str, given: Mapping[str, Any], default: Hardware | None = None) -> Hardware:
    """`cpu_count`, `memory_mb` and `nics` of a world document; what is left out is as in `default`."""
    hardware = default or Hardware(nics=(_nic(vm_id, "nic 0", {"name": "nic_1"}),))
    nics = hardware.nics
    if "nics" in given:
        nics = tuple(_nic(vm_id, f"nic {number}", each) for number, each in enumerate(given["nics"]))
    return Hardware(
        int(given.get("cpu_count", hardware.cpu_count)), int(given.get("memory_mb", hardware.memory_mb)), nics
    )


def changed(vm_id: str, hardware: Hardware, properties: Mapping[str, Any], turn: str) -> Hardware:
    """After a PUT or PATCH of the instance; a list of adapters is the whole list, as the Azure CLI sends it.

    `turn` makes the ids of new adapters differ from all earlier ones.
    """
    profile = properties.get("hardwareProfile") or {}
    sent: Sequence[Mapping[str, Any]] | None = (properties.get("networkProfile") or {}).get("networkInterfaces")
    nics = hardware.nics
    if sent is not None:
        nics = tuple(_sent(vm_id, hardware, each, f"nic {number}{turn}") for number, each in enumerate(sent))
    return Hardware(
        int(profile.get("cpuCount", hardware.cpu_count)), int(profile.get("memoryMB", hardware.memory_mb)), nics
    )


def brought_back(vm_id: str, present: Hardware, captured: Hardware, turn: str, *, network_kept: bool) -> Hardware:
    """After a restore: an adapter that is still there stays as it is, one that was removed is made anew."""
    nics = []
    for nic in captured.nics:
        still = next((each for each in present.nics if same(each.mac, nic.mac)), None)
        if still is None:
            still = replace(nic, id=_guid(vm_id, f"{nic.mac}{turn}"), name=None)
            if not network_kept:
                still = replace(still, network=None, network_name=None)
        nics.append(still)
    return replace(captured, nics=tuple(nics))


def _sent(vm_id: str, hardware: Hardware, each: Mapping[str, Any], what: str) -> Nic:
    """An adapter in a request: a known one by its id or name, or a new one."""
    known = next((nic for nic in hardware.nics if same(nic.id, each.get("nicId"))), None)
    if known is None and "nicId" not in each:
        known = next((nic for nic in hardware.nics if nic.name is not None and nic.name == each.get("name")), None)
    nic = known or _nic(vm_id, what, {"name": each.get("name"), "network_name": None})
    network = each.get("virtualNetworkId", nic.network)
    if network and (network != nic.network or known is None):
        nic = replace(nic, network=network, network_name=_guid(vm_id, str(network).lower()))
    return replace(
        nic,
        name=each.get("name", nic.name),
        mac=each.get("macAddress") or nic.mac,
        settings={**nic.settings, **{name: each[name] for name in SETTINGS if name in each}},
    )


def _nic(vm_id: str, what: str, given: Mapping[str, Any]) -> Nic:
    id_ = given.get("id") or _guid(vm_id, what)
    digits = uuid.uuid5(uuid.NAMESPACE_OID, id_).hex[:6].upper()
    name = given.get("name")
    return Nic(
        id=id_,
        mac=given.get("mac") or f"00:15:5D:{digits[:2]}:{digits[2:4]}:{digits[4:]}",  # Hyper-V's prefix
        name=name,
        display_name=given.get("display_name") or name or "Network Adapter",
        network=given.get("network"),
        network_name=given.get("network_name", _guid(vm_id, f"network of {what}")),
        settings={**dict.fromkeys(SETTINGS, "Dynamic"), **given.get("settings", {})},
    )


def _guid(vm_id: str, what: str) -> str:
    """A GUID that belongs to this VM and this thing."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vm_id}/{what}"))
