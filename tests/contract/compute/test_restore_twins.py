# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One restore task that runs twice at once: a controller has lost a run that goes on, and starts the task again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.shop import GOOD, bench, document, done, guest, killed, restore, shop, verbs
from tests.support.bench import Bench, Result

OLD = {"shop01_OsDisk", "shop01_DataDisk_0"}
MODULE = "vm_checkpoint_restore"
# Tenths of seconds after which the second one begins; a whole restore takes about seven seconds.
LATER = [0, 5, 13, 20, 28, 40, 50, 70]
CASES: dict[str, dict[str, Any]] = {
    "key": {"restore_key": "deploy-1"},
    "no key": {},
    "old disks go, off afterwards": {"restore_key": "deploy-1", "old_disks": "delete", "power_after": "off"},
}


def _twice(made: Bench, later: float, **options: Any) -> list[Result]:
    task = {"vm": made.azure_vm, "name": "before", **options}
    return made.together((0.0, MODULE, task), (later, MODULE, task))


def _one_set(made: Bench, results: list[Result], power: str, **options: Any) -> None:
    """The VM is on one run's disks and in its power state, and only what a plan had named has gone."""
    for result in results:
        done(result)
    vm = shop(made)
    assert (guest(made), vm.power) == (GOOD, power)
    runs = {held.name.rsplit("-", 1)[-1] for held in vm.attachments()}
    assert [held.lun for held in vm.attachments()] == [None, 0]
    assert len(runs) == 1
    gone = {f"delete disk rg-shop/{request.url.path.rsplit('/', 1)[-1]}" for request in made.sent("DELETE")}
    assert gone <= {step for result in results for step in verbs(result)}
    left = {disk.name for disk in made.world.azure.disks.values() if not disk.owners}
    assert (OLD & left == set()) == (options.get("old_disks") == "delete")
    assert {disk.tags.get("hybridvm-restore-state") for disk in made.world.azure.disks.values()} <= {None, "done"}


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("case", CASES)
def test_both_go_on(case: str, later: int) -> None:
    options = CASES[case]
    data = {"lun": 0, "files": GOOD["0"], "delete_option": "Delete"}
    made = bench(document(data_disks=[data]), compute_swap_delete_option="honoured")
    results = _twice(made, later / 10, **options)
    _one_set(made, results, "deallocated" if "power_after" in options else "running", **options)
    # Kept from a step by the other one, and planned anew, each has stayed with its run.
    for result in results:
        assert len({action["about"]["run"] for action in result["plan"]["actions"] if "about" in action}) <= 1
    # With a key they have made one set of disks between them; without one the second may be another act.
    sets = sum("-os-" in disk.name for disk in made.world.azure.disks.values())
    if "restore_key" in options:
        assert sets == 1
        assert done(restore(made, **options))["changed"] is False


@pytest.mark.parametrize(("later", "power"), [(0, "running"), (12, "running"), (3, "deallocated")])
def test_both_take_up_a_run_that_was_killed(later: int, power: str) -> None:
    """Wherever it had come to."""
    options = CASES["key"]
    steps = verbs(done(restore(bench(), check=True, **options)))
    for number in range(1, len(steps) + 1):
        made = bench()
        shop(made).power = power
        if power == "deallocated" and number > len(steps) - 2:
            break  # it has no step for switching off, nor for starting
        killed(made, number, "heard", **options)
        _one_set(made, _twice(made, later / 10, **options), power)


@pytest.mark.parametrize("later", LATER[::4])
def test_two_jobs_end_on_one_set_of_disks(later: int) -> None:
    """Each with a key of its own: whichever swaps last, no mixture is left, and the next run of either is unchanged."""
    made = bench()
    jobs = ("job-1", "job-2")
    first, second = ({"vm": made.azure_vm, "name": "before", "restore_key": key} for key in jobs)
    made.together((0.0, MODULE, first), (later / 10, MODULE, second))
    for key in jobs:
        done(restore(made, restore_key=key))
        assert (guest(made), shop(made).power) == (GOOD, "running")
        assert len({held.name.rsplit("-", 1)[-1] for held in shop(made).attachments()}) == 1
