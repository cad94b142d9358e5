# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known not to hold yet, each with its reason: the table counts it as failed, the sample does not fail for it.

An entry goes with the change that makes its cells green.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.scenarios.case import Broken
from tests.scenarios.player import Name

KNOWN: list[tuple[str, str, str, str]] = [
    (
        r"^disk/absent\+slow/\w+@\d+/lost_answer@\d+$",
        "^what passes is no reason to fail",
        "of two lost removals of a disk that goes slowly nothing is seen within settle_time: outcome_unknown",
        "disk/absent+slow/lost_answer@13/lost_answer@18",
    )
]
"""Case and rule as regular expressions, the reason, and one case that shows it."""


def known(name: Name, broken: Iterable[Broken]) -> str:
    """The reasons, where every broken rule has one; empty where one has none."""
    reasons = []
    for each in broken:
        found = [
            why for case, rule, why, _example in KNOWN if re.search(case, str(name)) and re.search(rule, str(each))
        ]
        if not found:
            return ""
        reasons.append(found[0])
    return "; ".join(dict.fromkeys(reasons))
