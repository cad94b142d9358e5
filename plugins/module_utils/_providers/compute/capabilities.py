# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Compute lets us promise."""

from __future__ import annotations

from ..._core.capabilities import Capabilities
from ..._core.ownership import GENERATED_LENGTH
from .restore.plan import restore_steps

CAPABILITIES = Capabilities(
    provider="compute",
    title="Azure Compute",
    names_unique=True,
    can_update_description=False,
    operations_findable=True,
    restore_in_place=True,
    power=True,
    max_points=500,
    # A new restore point takes two writes, and Resource Manager's full bucket has 200 (request-limits-and-throttling).
    at_once=(100, 512),
    why={
        "identity": "the resource id; a name is unique in the VM's collection",
        "time": "the service's own creation time",
        "exactly_once": "with a fixed name exactly one; with max_age as on the others",
        "joining": "the restore point's own state, found by its name",
        "restore": "the VM read on its new disks, and running where it has to",
    },
    has_description=False,
    safety_name="safety-before-{name}",
    name_pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}",
    name_rule="letters, digits and _ . -, beginning with a letter or digit, at most 80",
    longest_series=80 - GENERATED_LENGTH,
    id_pattern=r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.compute/restorepointcollections/[^/]+"
    r"/restorepoints/[^/?#]+",
    id_rule="the ARM id of a restore point, from /subscriptions/ to its name",
    pins_apart=True,
    restore_steps=restore_steps,
)
