# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a task sends, as a function of the number of its VMs; polls of operations and signing in apart."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lab import Lab

APART = ("/jobs?", "/operationstatuses/", "/operations/", "/oauth2/", "/metadata/")
COUNTS = (1, 6, 30)
*PLACES, LAST = range(len(COUNTS))

# For each service and what is asked: requests per VM, and those that all VMs share, at each of COUNTS.
LISTED = 3
"""SPF: the first VM alone, then the tenant's two lists. Up to twenty VMs are read one by one."""
TABLE: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {
    ("spf", "info"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "check"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "create"): ((3, 0), (3, 0), (3, 2)),
    ("spf", "unchanged"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "absent"): ((3, 0), (3, 0), (3, 2)),
    ("spf", "restore in check mode"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "restore"): ((6, 0), (6, 0), (6, 2)),
    ("spf", "leftovers"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "policy in check mode"): ((1, 0), (1, 0), (0, LISTED)),
    ("spf", "policy that creates"): ((3, 0), (3, 0), (3, 2)),
    ("spf", "policy that creates and removes"): ((5, 0), (5, 0), (5, 2)),
    ("scvmm", "info"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "check"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "create"): ((3, 0), (3, 0), (3, 0)),
    ("scvmm", "unchanged"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "absent"): ((3, 0), (3, 0), (3, 0)),
    ("scvmm", "restore in check mode"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "restore"): ((6, 0), (6, 0), (6, 0)),
    ("scvmm", "leftovers"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "policy in check mode"): ((1, 0), (1, 0), (1, 0)),
    ("scvmm", "policy that creates"): ((3, 0), (3, 0), (3, 0)),
    ("scvmm", "policy that creates and removes"): ((5, 0), (5, 0), (5, 0)),
    ("compute", "info"): ((2, 0), (2, 0), (2, 0)),
    # The locks and the disks of a resource group are read once for all.
    ("compute", "check"): ((2, 2), (2, 2), (2, 2)),
    ("compute", "create"): ((9, 2), (9, 2), (9, 2)),
    ("compute", "unchanged"): ((2, 2), (2, 2), (2, 2)),
    ("compute", "absent"): ((4, 2), (4, 2), (4, 2)),
    # What a restore in place works on is read for each.
    ("compute", "restore in check mode"): ((3, 1), (3, 1), (3, 1)),
    ("compute", "restore"): ((43, 1), (43, 1), (43, 1)),
    ("compute", "leftovers"): ((3, 1), (3, 1), (3, 1)),
    ("compute", "policy in check mode"): ((2, 2), (2, 2), (2, 2)),
    ("compute", "policy that creates"): ((9, 2), (9, 2), (9, 2)),
    ("compute", "policy that creates and removes"): ((7, 2), (7, 2), (7, 2)),
}
MANY = {"spf": 40, "scvmm": 40, "compute": 110}
"""More VMs than are at work at once: each is read again before its write."""
OF_MANY = {
    ("spf", "create"): (3, LISTED),
    ("spf", "absent"): (3, LISTED),
    ("spf", "restore"): (6, LISTED),
    ("scvmm", "create"): (4, 0),
    ("scvmm", "absent"): (4, 0),
    ("scvmm", "restore"): (7, 0),
    # The locks of a resource group are read again every few seconds.
    ("compute", "create"): (9, 12),
    ("compute", "absent"): (6, 6),
}
POLICY = {"prefix": "n", "max_age": "1d", "keep": {"last": 1}}
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "info": ("vm_checkpoint_info", {}),
    "check": ("vm_checkpoint", {"name": "n", "check": True}),
    "create": ("vm_checkpoint", {"name": "n"}),
    "unchanged": ("vm_checkpoint", {"name": "n"}),
    "absent": ("vm_checkpoint", {"name": "n", "state": "absent"}),
    "restore in check mode": ("vm_checkpoint_restore", {"name": "n", "check": True}),
    "restore": ("vm_checkpoint_restore", {"name": "n"}),
    "leftovers": ("vm_checkpoint_info", {"leftovers": True}),
    "policy in check mode": ("vm_checkpoint_policy", {**POLICY, "check": True}),
    "policy that creates": ("vm_checkpoint_policy", POLICY),
    "policy that creates and removes": ("vm_checkpoint_policy", POLICY),
}
BEFORE = (
    "unchanged",
    "absent",
    "restore in check mode",
    "restore",
    "leftovers",
    "policy that creates and removes",
)
"""What is asked where each VM has a checkpoint already."""


def _vms(lab: Lab, service: str, count: int) -> list[str]:
    numbers = range(1, count + 1)
    if service == "spf":
        return [f"spf{number:03}" for number in numbers]
    if service == "scvmm":
        return [lab.world.machine_uri(f"arc{number:03}") for number in numbers]
    return [lab.world.azure.named(f"azure{number:03}").id for number in numbers]


@pytest.mark.parametrize("place", [*PLACES, pytest.param(LAST, marks=pytest.mark.thorough)], ids=map(str, COUNTS))
@pytest.mark.parametrize(("service", "asked"), TABLE)
def test_requests(service: str, asked: str, place: int) -> None:
    count, (each, shared) = COUNTS[place], TABLE[service, asked][place]
    assert _sent(service, asked, count) == each * count + shared


@pytest.mark.thorough
@pytest.mark.parametrize(("service", "asked"), OF_MANY)
def test_requests_for_many(service: str, asked: str) -> None:
    (each, shared), count = OF_MANY[service, asked], MANY[service]
    assert each * count <= _sent(service, asked, count) <= each * count + shared


def _sent(service: str, asked: str, count: int) -> int:
    """The requests of one task for so many VMs."""
    lab = Lab(arm_buckets=0.0)
    lab.world.populate(**{service: count})
    vms = _vms(lab, service, count)
    if asked in BEFORE:
        assert "error" not in lab.run("vm_checkpoint", vms=vms, name="n", wait_timeout="5h")
        lab.advance(8 * 86400)  # what is a week old has arrived, and nobody asks about it
    before = len(lab.requests)
    module, options = TASKS[asked]
    result = lab.run(module, vms=vms, wait_timeout="5h", **options)
    assert "error" not in result
    sent = [str(request.url).lower() for request in lab.requests[before:]]
    return sum(not any(part in url for part in APART) for url in sent)
