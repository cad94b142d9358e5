# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint trees of real inventories (2014, 2017): parent, depth and the place the VM stands on."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from tests.contract.checkpoints.external_sources import Source, sources
from tests.contract.checkpoints.replay import through_spf
from tests.support.targets import vm_of

ROOT = "https://spf.example:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc"
STAMP = "7d9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10"
YEARS = (2014, 2017)


def _machine(vm: dict[str, Any]) -> dict[str, Any]:
    """The VM as SPF names its members; an inventory of PowerShell objects has other ones."""
    return {
        "ID": vm["ID"],
        "StampId": STAMP,
        "Name": vm["Name"],
        "VMId": vm.get("VMId"),
        "VirtualMachineState": vm.get("VirtualMachineState") or vm.get("State"),
        "Status": vm["StatusString"],
        "LastRestoredCheckpointId": vm["LastRestoredCheckpointID"],
    }


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    found = re.fullmatch(r"/Date\((\d+)\)/", row["AddedTime"])
    return row | {"AddedTime": datetime.fromtimestamp(int(found[1]) / 1000, UTC).isoformat()} if found else row


def _read(vm: dict[str, Any]) -> ObservedVm:
    """In the verbose format, whose dates are those of the inventory of 2017."""
    known = vm_of("spf", vm["ID"], ROOT, name=vm["Name"], partition=STAMP)

    def answer(request: httpx.Request) -> httpx.Response:
        rows = [_machine(vm)] if "VirtualMachines" in request.url.path else map(_dated, vm["VMCheckpoints"])
        return httpx.Response(200, json={"value": list(rows)[::-1]})

    async def read(spf: Spf) -> ObservedVm:
        return await spf.read(known, "change")

    inventory, _sent = through_spf(ROOT, answer, read)
    return inventory


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_inventories(source: Source, year: int) -> None:
    vms = source.document(f"spf/scvmm_checkpoint_trees_{year}.json")["vms"]
    shapes: Counter[str] = Counter()
    for vm in vms:
        inventory = _read(vm)
        rows = {row["CheckpointID"].lower(): row for row in vm["VMCheckpoints"]}
        assert len(inventory.checkpoints) == len(rows)
        assert inventory.current_known
        pointer = vm["LastRestoredCheckpointID"].lower()
        assert {c.host_id for c in inventory.checkpoints if c.current} == ({pointer} & set(rows))
        for checkpoint in inventory.checkpoints:
            row = rows[str(checkpoint.host_id)]
            line = _line(row, rows)
            assert (checkpoint.id, checkpoint.name) == (row["ID"], row["Name"])
            assert checkpoint.depth == len(line)
            assert checkpoint.parent_id == (line[1]["ID"] if len(line) > 1 else None)
            assert inventory.ancestors(checkpoint) == {parent["ID"] for parent in line[1:]}
        made = [c.created for c in inventory.checkpoints]
        assert None not in made
        assert made == sorted(made, key=str)
        shapes["roots"] += sum(c.parent_id is None for c in inventory.checkpoints)
        shapes["with checkpoints"] += bool(rows)
        shapes["branches"] += max(Counter(c.parent_id for c in inventory.checkpoints).values(), default=0) > 1
        # Nobody restored all of these: the pointer moves when a checkpoint is made.
        shapes["on the newest"] += bool(rows) and bool(inventory.checkpoints[-1].current)
    assert shapes["roots"] == shapes["with checkpoints"] == shapes["on the newest"] > 3
    assert shapes["branches"] == (1 if year == 2014 else 0)


def _line(row: dict[str, Any], rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A checkpoint and what it stands on, down to the root, whose parent is in no list."""
    line = [row]
    while (parent := rows.get(line[-1]["ParentCheckpointID"].lower())) is not None:
        line.append(parent)
    return line
