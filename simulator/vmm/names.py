# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name VMM gives a checkpoint that was created without one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from simulator.switches.all import Switches


def local(moment: float, switches: Switches) -> datetime:
    """`moment` on the wall clock of the VMM server."""
    sign = -1 if switches.spf_utc_offset.startswith("-") else 1
    hours, minutes = switches.spf_utc_offset.lstrip("+-").split(":")
    zone = timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    return datetime.fromtimestamp(moment, zone)


def default_name(vm_name: str, moment: float, switches: Switches) -> str:
    """`VM - (local time)`; both ways of writing the time were seen (docs/services.md)."""
    when = local(moment, switches)
    if switches.null_name == "empty":
        return ""
    if switches.null_name == "us":
        hour = when.hour % 12 or 12
        half = "AM" if when.hour < 12 else "PM"
        return f"{vm_name} - ({when.month}/{when.day}/{when.year} - {hour}:{when:%M:%S} {half})"
    return f"{vm_name} - ({when:%m/%d/%Y %H:%M:%S})"
