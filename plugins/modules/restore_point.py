#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: restore_point
short_description: Ensure that an Azure restore point exists or does not exist
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Manages C(Microsoft.Compute/restorePointCollections/restorePoints), both points of a VM and copies into another
    region.
  - Waits until a point has succeeded, and for a copy until every disk has arrived.
  - A point whose C(provisioningState) is C(Failed) does not count as present. It is removed and created again.
  - An operation on the point that an earlier run or somebody else has started is found by reading. Check mode and
    O(wait=false) report it at once, with the state and for a copy the percent. Otherwise the task waits for it.
  - The VM is read only when a point must be created. If it may not be read, the task warns, and what could not be
    checked beforehand is left to the service.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description: Name of the restore point.
    type: str
    required: true
  collection:
    description: The collection of the restore point, by name or ARM id.
    type: str
    required: true
  resource_group:
    description:
      - Resource group of the collection. Required unless O(collection) is an ARM id, which it must not contradict.
    type: str
  state:
    description: Whether the restore point should exist.
    type: str
    choices: [present, absent]
    default: present
  consistency:
    description:
      - The consistency to request. V(application) gives application consistency on Windows and file system consistency
        on Linux, if the VM is running. It is sent only at creation, and not for copies, which have the consistency of
        their source.
    type: str
    choices: [application, crash]
    default: application
  on_downgrade:
    description:
      - What to do when the point has, or can only get, less consistency than O(consistency) requests. On Windows, file
        system consistency is less than V(application); on Linux it is what V(application) means.
    type: str
    choices: [fail, warn]
    default: warn
  exclude_disks:
    description:
      - Disks to leave out, by id, by name, or by LUN (V(0) or V(lun0)). Each disk may be named once, and at least one
        disk must remain. If the VM may not be read, only ids are possible.
    type: list
    elements: str
  source_restore_point:
    description:
      - The point to copy, by name in the source collection or by ARM id. Needs O(compute_api_version) V(2021-11-01) or
        newer. Cannot be combined with O(exclude_disks), O(instant_access_duration) or O(encryption_sets).
    type: str
  instant_access_duration:
    description:
      - Minutes of instant access, 60 to 300, for points of a collection that has it. Needs O(compute_api_version)
        V(2025-04-01) or newer. Cannot be combined with O(consistency=crash).
    type: int
  encryption_sets:
    description: Disk encryption sets for disks of the point. Needs O(compute_api_version) V(2023-03-01) or newer.
    type: list
    elements: dict
    suboptions:
      disk:
        description:
          - The disk, by id, by name, or by position (V(os), V(lun0)). If the VM may not be read, only ids and V(os) are
            possible.
        type: str
        required: true
      id:
        description: ARM id of the disk encryption set.
        type: str
        required: true
      type:
        description: Type of the encryption.
        type: str
        choices: [EncryptionAtRestWithCustomerKey, EncryptionAtRestWithPlatformAndCustomerKeys]
        default: EncryptionAtRestWithCustomerKey
  ignore_pin:
    description:
      - With O(state=absent), remove the point although M(hybridvm.checkpoints.vm_checkpoint) has pinned it. A lock of
        the pin must be lifted there first.
    type: bool
    default: false
seealso:
  - module: hybridvm.checkpoints.restore_point_collection
  - module: hybridvm.checkpoints.restore_point_collection_info
  - module: hybridvm.checkpoints.vm_checkpoint
"""

EXAMPLES = r"""
- name: Create a restore point without the data disk at LUN 0
  hybridvm.checkpoints.restore_point:
    name: before-upgrade
    collection: shop01-points
    resource_group: rg-shop
    exclude_disks: [lun0]
    on_downgrade: fail

- name: Copy it into another region and wait until every disk has arrived
  hybridvm.checkpoints.restore_point:
    name: before-upgrade
    collection: shop01-copies
    resource_group: rg-shop
    source_restore_point: before-upgrade
    wait_timeout: 2d
    poll_interval: 5m

- name: Watch a copy, with one read a minute
  hybridvm.checkpoints.restore_point:
    name: before-upgrade
    collection: shop01-copies
    resource_group: rg-shop
    source_restore_point: before-upgrade
    wait: false
  register: copied
  until: copied.restore_point.usable
  retries: 2880
  delay: 60

- name: Remove a restore point
  hybridvm.checkpoints.restore_point:
    name: old
    collection: shop01-points
    resource_group: rg-shop
    state: absent
"""

RETURN = r"""
# Written by tools/module_docs.py from docs/source/returns.yml.
plan:
  description:
    - What this run had to do, in order; outside check mode, also what it did. It can be given back as O(expected_plan).
  type: dict
  returned: when the resource could be read
  contains:
    version: {description: Version of this shape., type: int, returned: always}
    digest: {description: Identifies what is changed; equal plans have equal digests., type: str, returned: always}
    checksum:
      description: Hash of the actions. An edited plan does not match it and is refused.
      type: str
      returned: always
    actions:
      description:
        - The actions, in order. VM by VM; with C(group) stage by stage, first what ends with the creates of all VMs.
      type: list
      elements: dict
      returned: always
      contains:
        id: {description: Identifies what an approval of this action covers., type: str, returned: always}
        action:
          description:
            - V(create), V(delete), or V(keep) for a point that satisfies the task or soon will, with its state in
              C(reason).
          type: str
          returned: always
        target: {description: Name of the resource., type: str, returned: always}
        target_id: {description: Canonical id of the resource., type: str, returned: always}
        provider: {description: V(compute)., type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        resource: {description: ARM id of the resource., type: str, returned: always}
        fields: {description: C(before) and C(after) of each field that is set., type: dict, returned: always}
operation:
  description: The last operation in this run, with the percent of a copy; null when there was none.
  type: dict
  returned: when the resource could be read
  contains:
    kind: {description: What the task waited for., type: str, returned: always}
    id: {description: Its id or name., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent:
      description: Progress in percent; null where the service does not report it.
      type: int
      returned: always
    seconds: {description: How long the task watched it., type: float, returned: always}
timing:
  description: Seconds spent reading, applying (outside check mode) and in total.
  type: dict
  returned: when the resource could be read
  sample: {read: 0.12, apply: 42.9, total: 43.1}
restore_point:
  description: The restore point as it is after the task; null when there is none.
  type: dict
  returned: when it could be read
  contains:
    id: {description: Its ARM id., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    provisioning_state: {description: "V(Creating), V(Succeeded) or V(Failed).", type: str, returned: always}
    created: {description: Time of creation; a copy has the time of its source., type: str, returned: always}
    consistency:
      description:
        - The consistency that this task requests, and the one that the point has. A copy has the consistency of its
          source, and none is requested for it.
      type: dict
      returned: always
      contains:
        requested: {description: V(application) or V(crash); null for a copy., type: str, returned: always}
        achieved:
          description:
            - V(ApplicationConsistent), V(FileSystemConsistent) or V(CrashConsistent); null while it is unknown.
          type: str
          returned: always
    exclude_disks: {description: Ids of the disks that it leaves out., type: list, elements: str, returned: always}
    source_restore_point: {description: ARM id of the point that it is a copy of., type: str, returned: always}
    instant_access_duration: {description: Minutes of instant access., type: int, returned: always}
    disks:
      description: Its disks and their disk restore points.
      type: list
      elements: dict
      returned: always
      contains:
        place: {description: "V(os), or V(lun) and a number.", type: str, returned: always}
        name: {description: Name of the disk., type: str, returned: always}
        source_id: {description: ARM id of the disk., type: str, returned: always}
        disk_restore_point_id:
          description: ARM id of its disk restore point; null until the point has succeeded.
          type: str
          returned: always
    replication:
      description:
        - How much of each disk's data has arrived. Empty until a copy has started, and where there is no instance view.
          The service need not list every disk.
      type: list
      elements: dict
      returned: always
      contains:
        disk_restore_point_id: {description: ARM id of the disk restore point., type: str, returned: always}
        percent:
          description: Percent that has arrived; null where the service does not say.
          type: int
          returned: always
        access_state:
          description:
            - What the disk can be used for, such as V(InstantAccess) (restores only) or V(Available); null where the
              service does not say, as with api-versions before 2025-04-01.
          type: str
          returned: always
        state: {description: The service's word for the state; null where there is none., type: str, returned: always}
    percent:
      description:
        - Percent of the data that has arrived for the slowest disk. 0 for a copy that has just started; null where the
          service does not say, as while a point is being created. To watch a copy, repeat a task with O(wait=false)
          until this is 100.
      type: int
      returned: always
    usable:
      description:
        - Whether it is known that it can be restored now. V(false) while it is being created or copied.
      type: bool
      returned: always
    usability:
      description:
        - V(usable), V(arriving) (it is being made, or its data is), V(unusable), or V(unknown) where the service leaves
          it open.
      type: str
      returned: always
drift:
  description: What differs in an existing point. No property of a point can be changed.
  type: list
  elements: dict
  returned: when there is any
sign_in:
  description:
    - How the task signed in, by service. For C(spf) V(kerberos), V(ntlm), V(basic), V(bearer) or V(certificate); for
      C(azure) V(secret), V(certificate), V(federation), V(msi), V(cli) or V(token). A task whose sign-in was refused
      has none.
  type: dict
  returned: when there is any
  sample: {spf: kerberos}
error:
  description:
    - What went wrong, for pipelines to branch on. C(msg) holds the same as one line. What does not apply is null.
    - A task that is refused as a whole before anything is sent (C(invalid_input), C(plan_changed)) returns only this,
      and the plan if there is one.
  type: dict
  returned: failure
  contains:
    code: {description: One of a closed list; see the collection's page on errors., type: str, returned: always}
    message: {description: "What went wrong, and with what.", type: str, returned: always}
    status: {description: HTTP status., type: int, returned: always}
    request_id: {description: The service's id of the request., type: str, returned: always}
    correlation_id: {description: The id that groups the request with others., type: str, returned: always}
    operation: {description: The operation of the write that failed or was in progress., type: dict, returned: always}
    details: {description: "The service's own error, where it has a structure (ARM).", type: dict, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    retry:
      description: V(safe) to run the task again, V(after_reading) to look first, V(never) until something is fixed.
      type: str
      returned: always
"""

from ..module_utils._module import run_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t


def load():
    # type: () -> t.Any
    """Import the task and its options, which a Python that is too old cannot."""
    from ..module_utils._tasks.argument_specs import RESTORE_POINT
    from ..module_utils._tasks.restore_point import restore_point

    return restore_point, RESTORE_POINT


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
