# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SPF and Arc-enabled SCVMM let us promise, in whole."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf


def test_what_spf_promises() -> None:
    assert Spf.capabilities == Capabilities(
        provider="spf",
        title="SPF",
        names_unique=False,
        can_update_description=True,
        operations_findable=True,
        restore_in_place=True,
        power=True,
        max_points=50,
        at_once=(32, 256),
        why={
            "identity": "id and host id; names may repeat",
            "time": "the service's own creation time",
            "exactly_once": "at most one create of unknown outcome per run; a rerun joins what is visible",
            "joining": "the job is found by its id or through the VM",
            "restore": "the job's success, and the VM's pointer where it had to move",
        },
        restores="its disks and its hardware configuration as they were, network adapters included",
        has_description=True,
        pins_apart=False,
    )


def test_what_arc_promises() -> None:
    assert Scvmm.capabilities == Capabilities(
        provider="scvmm",
        title="Arc-enabled SCVMM",
        names_unique=False,
        can_update_description=False,
        operations_findable=False,
        restore_in_place=True,
        power=True,
        max_points=50,
        at_once=(32, 256),
        why={
            "identity": "the hypervisor's id, found by comparing lists; names may repeat",
            "time": "only what our own mark carries",
            "exactly_once": "at most one create of unknown outcome per run; a rerun joins what is visible",
            "joining": "none: an operation that was lost cannot be found again, so wait: false is refused",
            "restore": "the operation's success, and the VM's pointer where it had to move",
        },
        restores="its disks and its hardware configuration as they were, network adapters included",
        has_description=True,
        pins_apart=False,
    )
