#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_point
short_description: An Azure restore point is present or absent
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Manages C(Microsoft.Compute/restorePointCollections/restorePoints), points of a VM and copies into another region.
  - Waits to the truth, for a point until it has succeeded, for a copy until every disk has arrived.
  - A point whose C(provisioningState) is C(Failed) is not present. It is removed and made again.
  - What somebody else or an earlier run has begun with the point is found by reading. Check mode and O(wait=false) tell
    it at once, with the state and for a copy the percent; otherwise it is waited for.
  - The VM is read only where a point is to be made. Where it may not be read, that is a warning, and the service judges
    what could not be checked beforehand.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description: Its name.
    type: str
    required: true
  collection:
    description: Its collection, by name or ARM id.
    type: str
    required: true
  resource_group:
    description:
      - The collection's resource group; not needed where O(collection) is an ARM id, which it must not contradict.
    type: str
  state:
    description: Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
  consistency:
    description:
      - What to ask for. V(application) gives application consistency on Windows and file system consistency on Linux,
        of a VM that runs. Only said at creation, and not of copies, which have their source's.
    type: str
    choices: [application, crash]
    default: application
  on_downgrade:
    description: What to do when less consistency comes, or can come, than O(consistency) asks for.
    type: str
    choices: [fail, warn]
    default: warn
  exclude_disks:
    description:
      - Disks to leave out, by id, by name, or by LUN (V(0) or V(lun0)); each once, and not all there are. Only ids
        where the VM may not be read.
    type: list
    elements: str
  source_restore_point:
    description:
      - The point to copy, by name in the source collection or by ARM id. Needs O(compute_api_version) V(2021-11-01) or
        newer.
    type: str
  instant_access_duration:
    description: Minutes of instant access, 60 to 300. Needs O(compute_api_version) V(2025-04-01) or newer.
    type: int
  encryption_sets:
    description: Disk encryption sets for disks of the point. Needs O(compute_api_version) V(2023-03-01) or newer.
    type: list
    elements: dict
    suboptions:
      disk:
        description: The disk, by id, by name, or by place (V(os), V(lun0)).
        type: str
        required: true
      id:
        description: ARM id of the disk encryption set.
        type: str
        required: true
      type:
        description: How it encrypts.
        type: str
        choices: [EncryptionAtRestWithCustomerKey, EncryptionAtRestWithPlatformAndCustomerKeys]
        default: EncryptionAtRestWithCustomerKey
seealso:
  - module: hybridvm.checkpoints.restore_point_collection
  - module: hybridvm.checkpoints.restore_point_collection_info
  - module: hybridvm.checkpoints.vm_checkpoint
"""

EXAMPLES = r"""
- name: A point without the data disk at LUN 0
  hybridvm.checkpoints.restore_point:
    name: before-upgrade
    collection: shop01-points
    resource_group: rg-shop
    exclude_disks: [lun0]
    on_downgrade: fail

- name: A copy in another region, awaited until every disk is there
  hybridvm.checkpoints.restore_point:
    name: before-upgrade
    collection: shop01-copies
    resource_group: rg-shop
    source_restore_point: before-upgrade
    wait_timeout: 2d
    poll_interval: 5m

- name: A copy that is watched, one look a minute
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

- name: Remove a point
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
    - What this run had to do, in order; outside check mode also what it did. Can be given back as O(expected_plan).
  type: dict
  returned: when the resource could be read
  contains:
    version: {description: Version of this shape., type: int, returned: always}
    digest: {description: One name for what is changed; equal plans have equal digests., type: str, returned: always}
    actions:
      description: The steps, in order.
      type: list
      elements: dict
      returned: always
      contains:
        action:
          description:
            - V(create), V(delete), or V(keep) for what satisfies the wish or is on its way there, with its state in
              C(reason).
          type: str
          returned: always
        vm: {description: Its kind and name., type: str, returned: always}
        vm_id: {description: Its canonical id., type: str, returned: always}
        provider: {description: V(compute)., type: str, returned: always}
        service: {description: The root of the service that has it., type: str, returned: always}
        reason: {description: Why it is needed., type: str, returned: always}
        resource: {description: Its ARM id., type: str, returned: always}
        fields: {description: For each field that is set C(before) and C(after)., type: dict, returned: always}
operation:
  description: The last operation of this run, with the percent of a copy; null when there was none.
  type: dict
  returned: when the resource could be read
  contains:
    kind: {description: What was waited for., type: str, returned: always}
    id: {description: Its id or name., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent: {description: Progress where the service tells it., type: int, returned: always}
    seconds: {description: How long it was watched., type: float, returned: always}
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
    created: {description: When it was made; a copy tells its source's time., type: str, returned: always}
    consistency:
      description: What this task asks for, and what the point has. A copy has its source's; nothing is asked for it.
      type: dict
      returned: always
      contains:
        requested: {description: V(application) or V(crash); null of a copy., type: str, returned: always}
        achieved:
          description:
            - V(ApplicationConsistent), V(FileSystemConsistent) or V(CrashConsistent); null where it is not known yet.
          type: str
          returned: always
    exclude_disks: {description: Ids of the disks it leaves out., type: list, elements: str, returned: always}
    source_restore_point: {description: What it is a copy of., type: str, returned: always}
    instant_access_duration: {description: Minutes of instant access., type: int, returned: always}
    disks:
      description: Its disks and their disk restore points.
      type: list
      elements: dict
      returned: always
      contains:
        place: {description: "V(os), or V(lun) and the number.", type: str, returned: always}
        name: {description: The disk's name., type: str, returned: always}
        source_id: {description: ARM id of the disk., type: str, returned: always}
        disk_restore_point_id:
          description: ARM id of its disk restore point; null until the point has succeeded.
          type: str
          returned: always
    replication:
      description: How far the data of each disk is. Empty until a copy has begun, and where there is no instance view.
      type: list
      elements: dict
      returned: always
      contains:
        disk_restore_point_id: {description: ARM id of the disk restore point., type: str, returned: always}
        percent: {description: How much of it is there; null where it is not told., type: int, returned: always}
        state: {description: The service's word for it; null where there is none., type: str, returned: always}
    percent:
      description:
        - How far its data is as a whole, which is its slowest disk. 0 of a copy that has just been begun; null where
          nothing is told, as of a point that is being made. A task with O(wait=false) that is repeated until it is 100
          watches a copy.
      type: int
      returned: always
    usable:
      description:
        - Whether it can be restored now. V(false) of a copy that is on its way; null where nobody can say yet, as of a
          point that is being made.
      type: bool
      returned: always
drift:
  description: What an existing point has otherwise; nothing of a point can be changed.
  type: list
  elements: dict
  returned: when there is any
error:
  description:
    - What went wrong, for pipelines to branch on. C(msg) holds the same as one line. What does not apply is null.
    - A task that is refused as a whole, before anything is sent (C(invalid_input), C(plan_changed)), returns this
      alone, beside the plan where one was made.
  type: dict
  returned: failure
  contains:
    code: {description: One of a closed list; see the collection's page on errors., type: str, returned: always}
    message: {description: What went wrong with what., type: str, returned: always}
    status: {description: HTTP status., type: int, returned: always}
    request_id: {description: The service's id of the request., type: str, returned: always}
    correlation_id: {description: What groups the request with others., type: str, returned: always}
    operation: {description: The operation that was under way., type: dict, returned: always}
    details: {description: The service's own error where it has a structure (ARM)., type: dict, returned: always}
    remedy: {description: What to do., type: str, returned: always}
    retry:
      description: V(safe) to run it again, V(after_reading) to look first, V(never) before something is mended.
      type: str
      returned: always
"""

from ..module_utils._module import run_module
from ..module_utils._tasks.argument_specs import CHANGES, CONNECTION, DEADLINE, ENCRYPTION_SET, NOT_FOR_COPIES
from ..module_utils._tasks.restore_point import restore_point


def main() -> None:
    """Run the module."""
    run_module(
        restore_point,
        {
            **CONNECTION,
            **DEADLINE,
            **CHANGES,
            "name": {"type": "str", "required": True},
            "collection": {"type": "str", "required": True},
            "resource_group": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "consistency": {"type": "str", "choices": ["application", "crash"], "default": "application"},
            "on_downgrade": {"type": "str", "choices": ["fail", "warn"], "default": "warn"},
            "exclude_disks": {"type": "list", "elements": "str"},
            "source_restore_point": {"type": "str"},
            "instant_access_duration": {"type": "int"},
            "encryption_sets": {"type": "list", "elements": "dict", "options": ENCRYPTION_SET},
        },
        mutually_exclusive=NOT_FOR_COPIES,
    )


if __name__ == "__main__":
    main()
