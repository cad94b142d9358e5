# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known not to hold yet, each with its reason: the table counts it as failed, the sample does not fail for it.

An entry goes with the change that makes its cells green.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.scenarios.case import Broken
from tests.scenarios.player import Name

KNOWN = [
    (
        "(stranger|wrong_404)@",
        "a success is true|the result shows|what is foreseen|the error is the one that fits: .*missing_checkpoint",
        "on Azure a 404 that is not about the collection or point itself counts as its absence",
        "point/absent/stranger@3",
    ),
    (
        "redirect@",
        "what passes",
        "a write that was answered with a redirect is not settled by reading",
        "spf/present/redirect@4",
    ),
    (
        "cut_off@",
        "no message denies",
        "an open outcome quotes what an unreachable host says of its own request",
        "spf/absent/cut_off@7",
    ),
    (
        "cut_off@|refusal@",
        "no (error denies|retry is safe)|tells of it",
        "after a lost or an earlier write: as if none was",
        "point/absent+slow/gateway_timeout@6/cut_off@11",
    ),
    (
        "slow@.*lost_answer@",
        "no (error denies|retry is safe)",
        "a later step that is unavailable: as if none was sent",
        "spf/restore+key/slow@22/lost_answer@23",
    ),
    (
        "lock_stays@",
        "no retry is safe",
        "a later step that stays locked out is said to be safe to repeat",
        "spf/restore+key/lock_stays@17",
    ),
    (
        r"/restore\+",
        "off in silence",
        "a VM that was turned off is not told where reading that failed",
        "spf/restore+key/refusal@14",
    ),
    (
        "cut_off@|slow@",
        "timed_out is at",
        "an operation that cannot be looked at has not come to the deadline",
        "spf/absent/cut_off@5",
    ),
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
