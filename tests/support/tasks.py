# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module does, by the module's name, and what the inventory plugin reads."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory import inventory
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.leftover_disk import leftover_disk
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.restore_point import restore_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.restore_point_collection import (
    restore_point_collection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.restore_point_collection_info import (
    restore_point_collection_info,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import TaskFunction
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint import vm_checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint_info import vm_checkpoint_info
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint_policy import (
    vm_checkpoint_policy,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint_restore import (
    vm_checkpoint_restore,
)

TASKS: dict[str, TaskFunction] = {
    "inventory": inventory,
    "leftover_disk": leftover_disk,
    "restore_point": restore_point,
    "restore_point_collection": restore_point_collection,
    "restore_point_collection_info": restore_point_collection_info,
    "vm_checkpoint": vm_checkpoint,
    "vm_checkpoint_info": vm_checkpoint_info,
    "vm_checkpoint_policy": vm_checkpoint_policy,
    "vm_checkpoint_restore": vm_checkpoint_restore,
}
