# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a case, whatever met it. Pure: it sees only what was written down."""

from __future__ import annotations

from tests.scenarios.case import Broken, Case
from tests.scenarios.rules_of_case import converged, foreseen, named, passed, put_back
from tests.scenarios.rules_of_run import careful, sound, truthful


def judge(case: Case) -> list[Broken]:
    """Every rule that is broken."""
    found: list[Broken] = []
    for name, run in (("the task", case.faulted), ("the rerun", case.rerun), ("the third run", case.third)):
        for broken in (*sound(run), *truthful(case.row, run), *careful(case.row, run)):
            found.append(Broken(broken.rule, f"{name}: {broken.what}"))
    return [*found, *passed(case), *named(case), *put_back(case), *foreseen(case), *converged(case)]
