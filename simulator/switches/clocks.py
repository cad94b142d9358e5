# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that are off from the world's, in seconds; ahead when positive, and by years if wanted."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.switches.field import switch

OFF = "[U] kopia#4719: two clocks that disagreed by years"


@dataclass
class ClockSwitches:
    """Every switch of a clock that is wrong; part of `Switches`."""

    date_skew: float = switch(0.0, "seconds that the Date header of every answer is ahead", OFF)
    vmm_clock_skew: float = switch(
        0.0, "seconds that VMM's clock is ahead: AddedTime, ModifiedTime, StartTime, the names that it makes up", OFF
    )
    compute_clock_skew: float = switch(
        0.0, "seconds that Azure Compute's clock is ahead: timeCreated, and the times of its operations", OFF
    )
