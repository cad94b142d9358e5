# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worlds that the rows begin in."""

from __future__ import annotations

import hashlib
from typing import Any

GOOD = "version = 1\n"
BROKEN = "broken\n"
HOME = "checkpoints-shop01"
CONF = "/etc/app.conf"
ORDERS = "/data/orders"
SUBSCRIPTION = "33333333-0000-4000-8000-000000000001"
IN_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shop/providers/Microsoft.Compute"
RUN = "0123456789ab"
LEFT = f"shop01-os-{RUN}"
"""A disk that a restore of shop01 made before it was given up."""


def on_vmm(service: str, vm: str) -> dict[str, Any]:
    """A VM with two checkpoints, the second on top of the first, broken since; and one beside it."""
    points = [
        {"name": "baseline", "description": "after installation", "days_old": 12, "files": {CONF: GOOD}},
        {"name": "later", "description": "after patching", "days_old": 2, "files": {CONF: GOOD}},
    ]
    beside = {"name": f"beside-{vm}", "checkpoints": [{"name": "later", "days_old": 3}]}
    return {service: {"vms": [{"name": vm, "files": {CONF: BROKEN}, "checkpoints": points}, beside]}}


def with_mark(service: str, vm: str) -> dict[str, Any]:
    """The same, the first checkpoint being ours."""
    world = on_vmm(service, vm)
    mark = "[hybridvm.checkpoints 1 nonce=0123456789ab at=2026-11-08T11:30:00Z]"
    world[service]["vms"][0]["checkpoints"][0]["description"] += f"\n{mark}"
    return world


def with_a_series(service: str, vm: str) -> dict[str, Any]:
    """The same, where the second one is ours: its mark says when it was made, which Arc does not."""
    world = on_vmm(service, vm)
    world[service]["vms"][0]["checkpoints"][1]["description"] += (
        "\n[hybridvm.checkpoints 1 nonce=0123456789ab at=2026-11-18T11:30:00Z]"
    )
    return world


def on_azure(*more: dict[str, Any], data_disk: bool = False) -> dict[str, Any]:
    """A VM, broken since the point "before" in its collection, and one beside it; `more` are further collections."""
    files = {"os": {CONF: GOOD}, **({"0": {ORDERS: GOOD}} if data_disk else {})}
    vm: dict[str, Any] = {"name": "shop01", "os_disk": {"files": {CONF: BROKEN}}}
    if data_disk:
        vm["data_disks"] = [{"lun": 0, "size_gb": 64, "files": {ORDERS: BROKEN}}]
    home = {
        "name": HOME,
        "source": "shop01",
        "tags": {"hybridvm-checkpoints": "managed", "team": "shop"},
        "points": [{"name": "before", "days_old": 3, "files": files}],
    }
    beside = {"name": "beside-shop01", "os_disk": {"files": {CONF: BROKEN}}}
    theirs = {"name": "theirs", "source": "beside-shop01", "points": [{"name": "before", "days_old": 3}]}
    return {"compute": {"vms": [vm, beside], "collections": [home, theirs, *more]}}


def with_leftovers() -> dict[str, Any]:
    """The same, with a disk that a restore has left, and one of somebody else."""
    vm = hashlib.sha256(f"id\0{IN_GROUP.strip('/')}/virtualMachines/shop01".lower().encode()).hexdigest()[:12]
    tags = {"run": RUN, "state": "given-up", "point": f"{HOME}/before", "vm": vm, "replaces": "rg-shop/shop01_OsDisk"}
    left = {"name": LEFT, "tags": {f"hybridvm-restore-{name}": value for name, value in tags.items()}}
    world = on_azure()
    world["compute"]["disks"] = [left, {"name": "theirs"}]
    return {**world, "scvmm": {"subscription_id": SUBSCRIPTION, "vms": []}}
