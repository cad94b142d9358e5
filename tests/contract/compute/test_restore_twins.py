# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One restore task that runs twice at once: a controller has lost a run that goes on, and starts the task again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import GOOD, azure_vm, document, done, guest, killed, make_lab, restore, verbs
from tests.support.lab import Lab, Result

OLD = {"shop01_OsDisk", "shop01_DataDisk_0"}
MODULE = "vm_checkpoint_restore"
# Tenths of seconds after which the second one begins; a whole restore takes about seven seconds.
LATER = [0, 5, 13, 20, 28, 40, 50, 70]
CASES: dict[str, dict[str, Any]] = {
    "key": {"restore_key": "deploy-1"},
    "no key": {},
    "old disks go, off afterwards": {"restore_key": "deploy-1", "old_disks": "delete", "power_after": "off"},
}


def _twice(lab: Lab, later: float, **options: Any) -> list[Result]:
    task = {"vm": lab.azure_vm, "name": "before", **options}
    return lab.together((0.0, MODULE, task), (later, MODULE, task))


def _one_set(lab: Lab, results: list[Result], power: str, **options: Any) -> None:
    """The VM is on one run's disks and in its power state, and only what a plan had named has gone."""
    for result in results:
        done(result)
    vm = azure_vm(lab)
    assert (guest(lab), vm.power) == (GOOD, power)
    runs = {held.name.rsplit("-", 1)[-1] for held in vm.attachments()}
    assert [held.lun for held in vm.attachments()] == [None, 0]
    assert len(runs) == 1
    gone = {f"delete disk rg-shop/{request.url.path.rsplit('/', 1)[-1]}" for request in lab.sent("DELETE")}
    assert gone <= {step for result in results for step in verbs(result)}
    left = {disk.name for disk in lab.world.azure.disks.values() if not disk.owners}
    assert (OLD & left == set()) == (options.get("old_disks") == "delete")
    assert {disk.tags.get("hybridvm-restore-state") for disk in lab.world.azure.disks.values()} <= {None, "done"}


@pytest.mark.slow
@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("case", CASES)
def test_both_go_on(case: str, later: int) -> None:
    options = CASES[case]
    data = {"lun": 0, "files": GOOD["0"], "delete_option": "Delete"}
    lab = make_lab(document(data_disks=[data]), compute_swap_delete_option="honoured")
    results = _twice(lab, later / 10, **options)
    _one_set(lab, results, "deallocated" if "power_after" in options else "running", **options)
    # Kept from a step by the other one, and planned anew, each has stayed with its run.
    for result in results:
        assert len({action["about"]["run"] for action in result["plan"]["actions"] if "about" in action}) <= 1
    # With a key they have made one set of disks between them; without one the second may be another act.
    sets = sum("-os-" in disk.name for disk in lab.world.azure.disks.values())
    if "restore_key" in options:
        assert sets == 1
        assert done(restore(lab, **options))["changed"] is False


@pytest.mark.slow
@pytest.mark.parametrize(("later", "power"), [(0, "running"), (12, "running"), (3, "deallocated")])
def test_both_take_up_a_run_that_was_killed(later: int, power: str) -> None:
    """Wherever it had come to."""
    options = CASES["key"]
    steps = verbs(done(restore(make_lab(), check=True, **options)))
    for number in range(1, len(steps) + 1):
        lab = make_lab()
        azure_vm(lab).power = power
        if power == "deallocated" and number > len(steps) - 2:
            break  # it has no step for switching off, nor for starting
        killed(lab, number, "heard", **options)
        _one_set(lab, _twice(lab, later / 10, **options), power)


@pytest.mark.parametrize("later", LATER[::4])
def test_two_jobs_end_on_one_set_of_disks(later: int) -> None:
    """Each with a key of its own: whichever swaps last, no mixture is left, and the next run of either is unchanged."""
    lab = make_lab()
    jobs = ("job-1", "job-2")
    first, second = ({"vm": lab.azure_vm, "name": "before", "restore_key": key} for key in jobs)
    lab.together((0.0, MODULE, first), (later / 10, MODULE, second))
    for key in jobs:
        done(restore(lab, restore_key=key))
        assert (guest(lab), azure_vm(lab).power) == (GOOD, "running")
        assert len({held.name.rsplit("-", 1)[-1] for held in azure_vm(lab).attachments()}) == 1
