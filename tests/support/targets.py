# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs as the services know them, for tests that begin below the tasks."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM


def vm_of(provider: str, vm_id: str, service: str, *, name: str = "vm", partition: str = "") -> VM:
    """A VM of that id, named by it."""
    return VM(
        reference=vm_id,
        name=name,
        id=vm_id,
        canonical=vm_id.lower(),
        provider=provider,
        service=service,
        partition=partition,
    )
