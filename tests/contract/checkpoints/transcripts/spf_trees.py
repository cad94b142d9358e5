# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint trees shaped as those of real inventories: one root each, one branch, pointers on the newest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

# Per VM: (label, label of the parent), oldest first; the VM stands on the last one.
Shapes = dict[str, list[tuple[str, str | None]]]

_SHAPES_2014: Shapes = {
    "chain-a": [("a1", None), ("a2", "a1")],
    "chain-b": [("b1", None), ("b2", "b1")],
    "single-a": [("c1", None)],
    "branch": [("d1", None), ("d2", "d1"), ("d3", "d1")],
    "single-b": [("e1", None)],
    "none": [],
}
_SHAPES_2017: Shapes = {
    "single": [("f1", None)],
    "chain-of-three": [("g1", None), ("g2", "g1"), ("g3", "g2")],
    "chain-of-two": [("h1", None), ("h2", "h1")],
    "last": [("i1", None)],
}


def _guid(label: str, space: int) -> str:
    return f"{space:08x}-{label.encode().hex().rjust(4, '0')[-4:]}-4abc-8def-{abs(hash_of(label)):012x}"


def hash_of(label: str) -> int:
    """A number for a label that is the same in every run."""
    number = 7
    for character in label:
        number = (number * 131 + ord(character)) % 2**40
    return number


def _vm(name: str, shape: list[tuple[str, str | None]], verbose: bool) -> dict[str, Any]:
    host_id = _guid(name, 0xB0)
    points = []
    for number, (label, parent) in enumerate(shape):
        moment = datetime(2026, 2, 1, 9, 30, number, 87000, UTC)
        added = f"/Date({int(moment.timestamp() * 1000)})/" if verbose else moment.isoformat()
        points.append(
            {
                "Name": f"{name} - {label}",
                "CheckpointID": _guid(label, 0xC0).upper(),
                "ParentCheckpointID": (_guid(parent, 0xC0) if parent else host_id).upper(),
                "AddedTime": added,
                "ID": _guid(label, 0xD0),
                "VMId": _guid(name, 0xA0),
                "Enabled": True,
            }
        )
    vm: dict[str, Any] = {
        "Name": name,
        "ID": _guid(name, 0xA0),
        "LastRestoredCheckpointID": points[-1]["CheckpointID"] if points else host_id.upper(),
        "StatusString": "Stopped",
        "VMCheckpoints": points,
    }
    # The inventory of 2017 does not tell the VM's own host id and names its state otherwise.
    return vm | ({"State": "PowerOff"} if verbose else {"VMId": host_id.upper(), "VirtualMachineState": "PowerOff"})


TREES: dict[str, Any] = {
    "spf/scvmm_checkpoint_trees_2014.json": {"vms": [_vm(name, shape, False) for name, shape in _SHAPES_2014.items()]},
    "spf/scvmm_checkpoint_trees_2017.json": {"vms": [_vm(name, shape, True) for name, shape in _SHAPES_2017.items()]},
}
