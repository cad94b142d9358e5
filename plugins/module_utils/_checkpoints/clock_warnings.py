# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is reported of clocks that disagree, where a task compares times. Pure."""

from __future__ import annotations

import typing as t

from .._core.clocks import difference
from .._core.model import Checkpoint, ObservedVm


def clock_warnings(actual: ObservedVm, compared: t.Iterable[Checkpoint]) -> list[str]:
    """One for the service's own clock, and one for the clock that its checkpoints' times come from."""
    warnings = []
    if ahead := difference(actual.ahead):
        warnings.append(f"the service's clock (its Date header) is {ahead} this machine's.")
    for each in compared:
        stamped = each.ownership.at
        if each.created is None or stamped is None:
            continue
        if actual.contradicts_mark(each):
            warnings.append(
                f'checkpoint "{each.name}" ({each.id}) is older than its mark says: the service\'s own times count.'
            )
            break
        seconds = (each.created - stamped).total_seconds()
        # What the service's clock is ahead of ours, and of this one as well, has been reported.
        if (apart := difference(seconds)) and not (warnings and not difference(seconds + actual.ahead)):
            warnings.append(
                f'checkpoint "{each.name}" ({each.id}) has its time from a clock that is {apart} the service\'s.'
            )
            break
    return warnings
