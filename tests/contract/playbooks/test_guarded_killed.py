# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarded change killed (SIGKILL) at each of its stages on three services at once, and run again.

In the quick part each stage meets each service once, and each way to resume; EVERY=1 takes every combination.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until

from .guarded import ALL, BROKEN, Site, messages, outcomes
from .support import Ansible, Simulator

pytestmark = pytest.mark.thorough

EVERY = os.environ.get("EVERY") == "1"
RESUMES = ("fail", "continue", "restore")
# The first write of each stage, for all three services: it is held up until everything is dead, and then it is heard.
HELD = {
    "create": ("POST|PUT", r"VMCheckPoints$|createCheckpoint|/restorePoints/before-4711"),
    "restore": ("MERGE|POST|PUT", r"VMCheckPoints\(|restoreCheckpoint|/deallocate|/disks/"),
    "remove": ("DELETE|POST", r"VMCheckPoints\(|deleteCheckpoint|/restorePoints/before-4711"),
}
LOOK = {"name": "Look", "ansible.builtin.debug": {"msg": "well"}}
STAGES = ("create", "change", "verify", "restore", "remove")
CASES = [(stage, turn) for number, stage in enumerate(STAGES) for turn in (range(3) if EVERY else [number % 3])]


@pytest.fixture
def site(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Site:
    return Site(ansible, simulator, tmp_path)


def _killed(site: Site, stage: str) -> None:
    """The first run, dead at that stage on every host."""
    fails = {"name": "Fail", "ansible.builtin.fail": {"msg": "no"}, "when": stage == "restore"}
    waits = {name: [site.wait(name)] if stage == name else [] for name in ("change", "verify")}
    site.file("change.yml", site.break_it, fails, *waits["change"])
    site.file("verify.yml", LOOK, *waits["verify"])
    given: dict[str, Any] = {"guarded_change_change_id": "4711", "guarded_change_verify": "verify.yml"}
    if stage not in HELD:
        files = [site.directory / f"{stage}-{name}" for name in ALL]
        site.kill_when_all_wait(site.start(*ALL, **given), *files)
        return
    method, path = HELD[stage]
    fault = {"kind": "hold", "method": method, "path": path, "count": None}
    site.simulator.control("POST", "/faults", {"faults": [fault]})
    process = site.start(*ALL, **given)

    def held() -> int:
        journal = site.simulator.control("GET", "/journal")
        return len([entry for entry in journal if entry["status"] is None])

    until(lambda: process.poll() is not None or held() == len(ALL), f"each host's {stage} is held up")
    assert process.poll() is None, site.ansible.collect(process).stdout
    site.ansible.kill(process)
    site.simulator.control("DELETE", "/faults")


@pytest.mark.parametrize(("stage", "turn"), CASES)
def test_killed_and_run_again(site: Site, stage: str, turn: int) -> None:
    resume = dict(zip(ALL, RESUMES[turn:] + RESUMES[:turn], strict=True))
    before = {name: (site.points(name), site.guest(name)) for name in ALL}
    _killed(site, stage)
    site.simulator.control("POST", "/clock", {"advance": 7200})
    found = {name: (site.points(name), site.guest(name)) for name in ALL}
    site.file("change.yml", site.break_it)
    site.file("verify.yml", LOOK)
    own = {name: {"guarded_change_on_resume": resume[name]} for name in ALL}
    run = site.run(*ALL, of=own, guarded_change_change_id="4711", guarded_change_verify="verify.yml")
    ended, said = outcomes(run), messages(run)
    for name in ALL:
        now = (site.points(name), site.guest(name))
        if stage == "remove":  # the change was good, and nothing is left that says so: it is made again
            assert (ended[name], now) == ("changed", (before[name][0], BROKEN)), name
        elif resume[name] == "fail":
            assert "its checkpoint exists, so the change may have begun: before-4711 (" in said[name]
            assert now == found[name], name
        elif resume[name] == "continue":
            assert (ended[name], now) == ("changed", (before[name][0], BROKEN)), name
        else:
            assert ended[name] == "restored"
            assert now == ([*before[name][0], "before-4711"], before[name][1]), name
