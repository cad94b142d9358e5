# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy into a second region, watched by a loop from 0 to 100 %: each attempt begins nothing and waits for nothing."""

from __future__ import annotations

from .support import COLLECTION, Ansible, Simulator, play

LOOKS = 3


def test_a_copy_is_watched_from_beginning_to_end(simulator: Simulator, ansible: Ansible) -> None:
    points = {"name": "points", "source": "shop01", "points": [{"name": "one"}]}
    source = simulator.azure("restorePointCollections", "points")
    copies = {"name": "north", "source": source, "location": "northeurope"}
    world = {"compute": {"vms": [{"name": "shop01", "data_disks": [{"lun": 0}]}], "collections": [points, copies]}}
    simulator.control("POST", "/world", world)
    takes = {"compute_copy_takes": f"{LOOKS} looks", "compute_copy_starts": "2 looks"}
    simulator.control("POST", "/switches", takes)
    copy = {"name": "copy", "collection": "north", "resource_group": "rg-shop"}
    task = {
        "name": "Watch",
        f"{COLLECTION}.restore_point": {**copy, "source_restore_point": "one", "wait": False},
        "register": "copied",
        "until": "copied.restore_point.percent == 100",
        "retries": 3 * LOOKS,
        "delay": 0,
    }
    run = ansible.run([play("Watch a copy", [task], simulator.environment)])
    assert run.code == 0, run.stdout + run.stderr
    attempts = [line["result"] for line in run.results if line["task"] == "attempt at Watch"]
    results = [*attempts, run.of("Watch")]
    percents = [result["restore_point"]["percent"] for result in results]
    assert (percents[0], percents[-1], percents) == (0, 100, sorted(percents))
    assert sum(0 < percent < 100 for percent in percents) >= 2
    assert [result["restore_point"]["usable"] for result in results] == [False] * len(attempts) + [True]
    assert [result["changed"] for result in results] == [True] + [False] * len(attempts)
    operations = [result["operation"] for result in results[1:-1]]
    assert [operation["percent"] for operation in operations] == percents[1:-1]
    assert {operation["status"] for operation in operations} == {"running"}
