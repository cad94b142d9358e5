# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations that the client uses, the outside exchanges that show them, and why the others are left out.

Each file of the data folder and each exchange of the recording is either used by a test that is named here, or excluded
with a reason; `test_operations.py` holds that this list is complete and that nothing in it is dead.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch

from tests.contract.checkpoints.exchange import Exchange

# File of the data folder (or a pattern) -> the test that plays it.
USED = {
    "spf/create_checkpoint.http": "test_spf_writes.test_create",
    "spf/restore_merge.http": "test_spf_writes.test_restore_by_merge",
    "spf/same_checkpoint_a_week_later_put_body.json": "test_spf_writes.test_restore_by_put",
    "spf/delete_checkpoint.http": "test_spf_writes.test_delete",
    "spf/get_checkpoint_entity.json": "test_spf_entities.test_checkpoint_without_host_id",
    "spf/job_entity_2019.json": "test_spf_entities.test_job",
    "spf/vm_entity_2019.json": "test_spf_entities.test_virtual_machine",
    "spf/cloud_entity_and_feed_2019.json": "test_spf_entities.test_stamp_of_the_clouds",
    "spf/errors.md": "test_spf_formats.test_errors",
    "spf/edmx/vmm_edmx_reconstructed.xml": "test_spf_writes.test_members_are_in_the_metadata",
    "spf/docs/vm_status_enum.md": "test_spf_entities.test_states_are_spelled_as_documented",
    "spf/scvmm_checkpoint_trees_2014.json": "test_trees.test_inventories",
    "spf/scvmm_checkpoint_trees_2017.json": "test_trees.test_inventories",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_CreateCheckpoint_MaximumSet_Gen.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_RestoreCheckpoint_MaximumSet_Gen.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_DeleteCheckpoint_MaximumSet_Gen.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Get_MaximumSet_Gen.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Get_MinimumSet_Gen.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Start_*.json": "test_arm_examples",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Stop_MaximumSet_Gen.json": "test_arm_examples",
    "specs/scvmm-2024-06-01.json": "test_arm_examples",
    "recordings/scvmm-2023-10.json": "test_arm_recording",
}

# File (or a pattern) -> why no test of the client plays it.
EXCLUDED = {
    "spf/diskdrive_create_response_atom_2019.xml": "the client asks for JSON light and reads nothing else",
    "spf/docs/cmdlets.md": "PowerShell of a VMM console: no HTTP",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_CreateOrUpdate_*": "the client makes no VMs",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Update_*": "the client changes no VM's properties",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Delete_M*": "the client deletes no VMs",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_List_*": "the one instance of a machine is read by its name",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Restart_*": "no step restarts a VM",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_CreateCheckpoint_MinimumSet_Gen.json": "a name is always sent",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_RestoreCheckpoint_MinimumSet_Gen.json": "an id is always sent",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_DeleteCheckpoint_MinimumSet_Gen.json": "an id is always sent",
    "examples/scvmm-2024-06-01/VirtualMachineInstances_Stop_MinimumSet_Gen.json": "a stop never asks the guest",
    "examples/compute-*": "played by tests/contract/restore_points",
    "examples/disk-restore-point/*": "played by tests/contract/restore_points",
    "recordings/compute-*": "played by tests/contract/restore_points",
    "recordings/instance-view-2026-04.json": "its access states are not read yet; only percents and status codes are",
    "specs/compute/*": "played by tests/contract/restore_points",
    "specs/scvmm-2023-10-07.json": "its checkpoint surface equals that of 2024-06-01; its traffic is played",
}

_INSTANCE = r"/virtualMachineInstances/default"
# Of the recording: method and end of the path -> the client's step, or why it has none.
RECORDED = {
    ("GET", _INSTANCE): "read",
    ("POST", _INSTANCE + "/createCheckpoint"): "create",
    ("POST", _INSTANCE + "/restoreCheckpoint"): "restore",
    ("POST", _INSTANCE + "/deleteCheckpoint"): "delete",
    ("POST", _INSTANCE + "/start"): "start",
    ("POST", _INSTANCE + "/stop"): "stop",
    ("GET", r"/operationStatuses/[^/]+"): "poll",
}
UNRECORDED = {
    ("PUT", _INSTANCE): "the client makes no VMs; how its operation is polled is understood all the same",
    ("PATCH", _INSTANCE): "the client changes no VM's properties; its polls are understood all the same",
    ("DELETE", _INSTANCE): "the client deletes no VMs; its polls are understood all the same",
}

# Request headers of the published exchanges that the client must send with the same value.
HEADERS = (
    "Accept",
    "Content-Type",
    "DataServiceVersion",
    "MaxDataServiceVersion",
    "x-ms-principal-id",
    "Authorization",
    "Host",
)
# Those it need not, and why.
OTHER_HEADERS = {
    "accept-charset": "JSON is UTF-8",
    "dataserviceurlconventions": "composite keys cannot be segments; the captured URLs keep their parentheses too",
    "user-agent": "ours says who we are",
    "expect": "a habit of .NET; bodies here are short",
    "content-length": "framing; the bodies are compared",
}

# What the recorded client did and ours does not, or otherwise.
RECORDED_DIFFERENCES = {
    "final poll": "azure-core reads a succeeded operation once more through Location (final-state-via location)",
    "first URL": "azure-core keeps polling the first URL; ours follows the newest (as Az PowerShell), whose location "
    "is in lower case",
}


def used(name: str) -> str | None:
    """The test that plays a file."""
    return next((test for pattern, test in USED.items() if fnmatch(name, pattern)), None)


def excluded(name: str) -> str | None:
    """Why no test plays a file."""
    return next((reason for pattern, reason in EXCLUDED.items() if fnmatch(name, pattern)), None)


def step(exchange: Exchange) -> str | None:
    """The client's step that makes a recorded request; None for those that are left out."""
    for (method, end), name in RECORDED.items():
        if exchange.method == method and re.search(end + r"\Z", exchange.path, re.IGNORECASE):
            return name
    return None
