# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of creates where all that counts towards Azure's hourly limit can be seen."""

from __future__ import annotations

import re
from datetime import datetime

from tests.simulation.run_invariants import Judge

HOUR = 3600.0
SKEW = 60.0
"""Seconds by which the controllers' clock may be wrong in these stories, and more."""


def judge_fleets(judge: Judge) -> None:
    """No create is refused by a limit that could be seen, and a run that waits for nothing says when it can go on."""
    if not judge.script.limit_is_visible:
        return
    for run in judge.record.runs:
        for each in run.sent:
            if each.method != "PUT" or "/restorepoints/" not in each.target.lower() or each.fate is not None:
                continue
            text = f"{run.label}: {each.target[-90:]} at {each.at - run.start:.1f} s"
            judge.hold("no create ends in a 429 that could be seen coming", each.status != 429, text)
        for vm in (run.result or {}).get("vms", []):
            error = vm["error"] or {}
            if error.get("code") == "limit_reached":
                found = re.search(r" at (\S+Z)", error["message"])
                opens = datetime.fromisoformat(found[1]).timestamp() if found else 0.0
                within = run.start < opens + SKEW and opens - SKEW < run.end + HOUR
                judge.hold("a limit says when it ends", within, f"{run.label}: {error['message']}")
