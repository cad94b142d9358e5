# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every position of every switch: what nobody knows of the services, and each way it may turn out."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from simulator.switches.all import Switches

# Switches without a list of choices: the default is played too.
FREE: dict[str, tuple[Any, ...]] = {
    "create_takes": ("0s", "45s", "3 looks", "never"),
    "restore_takes": ("0s", "45s", "3 looks", "never"),
    "delete_takes": ("0s", "45s", "3 looks", "never"),
    "update_takes": ("2s", "45s", "3 looks", "never"),
    "power_takes": ("0s", "20s"),
    "put_takes": ("0s",),
    "max_checkpoints": (1, 2, 64),
    "spf_job_hidden_seconds": (3.0, 30.0, 10_000.0),
    "spf_job_purged_seconds": (0.5, 3600.0),
    "spf_page_size": (1, 3),
    "spf_sync_error_status": (400, 409, 500),
    "spf_utc_offset": ("+05:30", "+00:00"),
    "arm_buckets": (0.0, 0.01),
    "arc_retry_after": (1, 40),
    "arc_poll_running_status": (200, 202),
    "arc_stale_seconds": (5.0, 60.0, 500.0),
    "arc_status_url_bytes": (300, 16_000),
    "arc_status_lifetime": (0.5, 3600.0),
    "arc_page_size": (1, 2),
    "date_skew": (-86_400.0, 86_400.0),
    "vmm_clock_skew": (-86_400.0, 86_400.0),
    "token_lifetime": (1, 60, 119, 86_399),
}
# Switches that only tell in company: with what each is played.
WITH: dict[str, dict[str, Any]] = {
    "spf_page_size": {"spf_paging": "relative"},
    "spf_filter_vmid": {"spf_expand": "ignored"},
    "spf_sync_error_status": {"spf_vmm_errors": "sync"},
}

# Switches that only matter to a client that goes about it this way.
OPTIONS: dict[str, dict[str, Any]] = {
    "spf_patch": {"spf_update_method": "patch"},
    "spf_tunnel": {"spf_update_method": "post_tunnel"},
    "spf_put_resets": {"spf_update_method": "put"},
}

# A lab has no connections, to which signing in belongs: tests/contract/sign_in plays these.
ELSEWHERE = frozenset({"spf_offers", "spf_bindings", "spf_persistent_auth"})


def services(name: str) -> tuple[str, ...]:
    """The services that a switch concerns; none of this release's for Azure Compute's."""
    if name.startswith("compute_") or name in ELSEWHERE:
        return ()
    if name.startswith("spf_"):
        return ("spf",)
    return ("scvmm",) if name.startswith(("arc_", "arm_", "token_")) else ("spf", "scvmm")


def values(name: str) -> tuple[Any, ...]:
    """The positions of a switch, its default among them."""
    found = next(each for each in fields(Switches) if each.name == name)
    choices: tuple[Any, ...] = found.metadata["choices"] or FREE.get(name, ())
    if isinstance(found.default, bool):
        choices = (True, False)
    if isinstance(found.default, int) and found.metadata["choices"]:
        choices = tuple(type(found.default)(each) for each in choices)
    return tuple(dict.fromkeys((found.default, *choices)))


# The defaults are one world each, and every other position another one.
USUAL = [("spf", "create_takes", Switches().create_takes), ("scvmm", "create_takes", Switches().create_takes)]
POSITIONS = USUAL + [
    (service, each.name, value)
    for each in fields(Switches)
    for service in services(each.name)
    for value in values(each.name)
    if value != each.default
]
