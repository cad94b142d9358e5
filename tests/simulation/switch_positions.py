# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's unknowns in random position."""

from __future__ import annotations

import random
from dataclasses import fields
from typing import Any

from simulator.switches.all import Switches

# Switches without a list of choices. Nothing lasts for ever: a service that has settled is what the end is about.
FREE: dict[str, tuple[Any, ...]] = {
    "create_takes": ("0s", "4s", "25s", "90s", "3 looks", "700s"),
    "restore_takes": ("0s", "5s", "45s", "3 looks", "700s"),
    "delete_takes": ("0s", "3s", "20s", "2 looks"),
    "power_takes": ("0s", "2s", "20s"),
    "update_takes": ("0s", "2s", "20s"),
    "max_checkpoints": (50, 50, 3),
    "spf_job_hidden_seconds": (0.0, 3.0, 30.0),
    "spf_job_purged_seconds": (0.0, 0.5, 60.0),
    "spf_page_size": (1, 2, 3),
    "spf_sync_error_status": (400, 409, 500),
    "spf_utc_offset": ("-07:00", "+05:30", "+00:00"),
    "arc_retry_after": (0, 1, 40),
    "arc_stale_seconds": (0.0, 5.0, 60.0),
    "arc_status_url_bytes": (300, 4096),
    "arc_status_lifetime": (0.0, 0.5, 60.0),
    "arc_page_size": (0, 1),
    "token_lifetime": (3599, 60, 130),
    "compute_point_takes": ("0s", "5s", "90s", "3 looks"),
    "compute_point_delete_takes": ("0s", "2s", "10s"),
    "compute_disk_takes": ("0s", "1s", "20s"),
    "compute_vm_takes": ("0s", "3s", "30s"),
    "compute_vm_power_takes": ("0s", "3s", "30s"),
    "compute_retry_after": (0, 2, 20),
    "compute_vm_retry_after": (0, 2, 20),
    "compute_time_offset": ("+00:00", "-07:00"),
    "compute_page_size": (0, 1, 2),
    "compute_hydration_takes": ("0s", "20s", "400s", "900s"),
    "compute_copy_starts": ("0s", "2s", "20s"),
    "compute_copy_takes": ("5s", "60s", "400s"),
    "compute_copy_step": (0.0, 30.0, 600.0),
    "compute_collection_delete_takes": ("0s", "1s", "20s"),
    "compute_agent_seconds": (0.0, 10.0, 200.0),
    "compute_max_points": (500, 500, 3),
    "compute_max_collections": (10000, 10000, 10000, 0),
}
# Those that no task of a story meets; tests of the resource modules and of the simulator put them elsewhere.
LEFT: dict[str, str] = {
    "put_takes": "nobody makes a VM",
    "compute_access_takes": "nobody opens a disk",
    "compute_graph_page_size": "nobody asks Resource Graph",
    "compute_graph_stale_seconds": "nobody asks Resource Graph",
    "arc_action_etag": "nobody reads it",
    "arc_restored_nic_network": "no story takes an adapter away",
    "compute_instant_takes": "no story has instant access",
    "compute_view_rows": "no story has instant access",
    "compute_readonly_members": "no story has encryption sets",
    "arm_buckets": "no story sends so many requests; the slices, the figures and docs/scale.md do",
    "compute_tags_takes": "no story pins",
    "compute_point_lock": "no story pins",
    **dict.fromkeys(
        ("spf_offers", "spf_bindings", "spf_persistent_auth"),
        "signing in belongs to connections, and stories have none",
    ),
}


OF_FURTHER_TROUBLES = (
    *("date_skew", "vmm_clock_skew", "compute_clock_skew"),
    *("vmm_names", "vmm_descriptions", "arc_names", "compute_pending_seconds", "compute_deletes"),
)
"""Those that are thrown with the further troubles, from their random stream."""


def positions(rng: random.Random, services: list[str]) -> dict[str, Any]:
    """The switches that are not where they usually are: few, half or all of those that concern the services."""
    share = rng.choice((0.1, 0.5, 1.0))
    found = {}
    for each in fields(Switches):
        prefix = each.name.partition("_")[0]
        concerned = {"spf": "spf", "arc": "scvmm", "compute": "compute"}.get(prefix)
        if (
            each.name in OF_FURTHER_TROUBLES
            or each.name in LEFT
            or (concerned is not None and concerned not in services)
            or rng.random() >= share
        ):
            continue
        choices: tuple[Any, ...] = each.metadata["choices"] or FREE.get(each.name, ())
        if isinstance(each.default, bool):
            choices = (True, False)
        elif isinstance(each.default, int | float):
            choices = tuple(type(each.default)(value) for value in choices)
        if choices and (value := rng.choice(choices)) != each.default:
            found[each.name] = value
    return found
