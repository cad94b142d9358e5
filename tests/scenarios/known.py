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
    ),
    ("redirect@", "what passes", "a write that was answered with a redirect is not settled by reading"),
    ("cut_off@", "no message denies", "an open outcome quotes what an unreachable host says of its own request"),
    (
        "cut_off@|refusal@",
        "no (error denies|retry is safe)|tells of it",
        "after a lost or an earlier write: as if none was",
    ),
    ("slow@.*lost_answer@", "no (error denies|retry is safe)", "a later step that is unavailable: as if none was sent"),
    ("lock_stays@", "no retry is safe", "a later step that stays locked out is said to be safe to repeat"),
    (r"/restore\+", "off in silence", "a VM that was turned off is not told where reading that failed"),
    ("cut_off@|slow@", "timed_out is at", "an operation that cannot be looked at has not come to the deadline"),
]
"""Case and rule as regular expressions, and the reason."""


def known(name: Name, broken: Iterable[Broken]) -> str:
    """The reasons, where every broken rule has one; empty where one has none."""
    reasons = []
    for each in broken:
        found = [why for case, rule, why in KNOWN if re.search(case, str(name)) and re.search(rule, str(each))]
        if not found:
            return ""
        reasons.append(found[0])
    return "; ".join(dict.fromkeys(reasons))
