#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: restore_point_collection
short_description: Ensure that an Azure restore point collection exists or does not exist
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Manages C(Microsoft.Compute/restorePointCollections), for a VM, or for copies of a collection in another region.
  - Source and location cannot be changed afterwards. A difference is an error; the collection is never re-created.
  - An operation on the collection that an earlier run or somebody else has started is found by reading. Check mode and
    O(wait=false) report it at once. Otherwise the task waits for it, and for any other operation that locks the
    collection.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description: Name of the collection.
    type: str
    required: true
  resource_group:
    description: Resource group of the collection.
    type: str
    required: true
  state:
    description:
      - With V(absent), a collection that holds restore points is refused unless O(force=true). Check mode lists what
        would be removed.
    type: str
    choices: [present, absent]
    default: present
  source:
    description:
      - ARM id of the VM, or of the collection whose points are copied into this one. That collection must be in another
        region and hold no copies itself. Required to create the collection.
    type: str
  location:
    description: Region of the collection. The VM's region when not given. Required if O(source) is a collection.
    type: str
  tags:
    description:
      - Tags to set. Azure compares names of tags without case. Values are text, and their case matters.
    type: dict
  append_tags:
    description: Whether O(tags) are added to the existing tags (V(true)) or replace them (V(false)).
    type: bool
    default: true
  instant_access:
    description: Whether instant access is on. Needs O(compute_api_version) V(2025-04-01) or newer.
    type: bool
  force:
    description: With O(state=absent), also remove the restore points in the collection.
    type: bool
    default: false
seealso:
  - module: hybridvm.checkpoints.restore_point
  - module: hybridvm.checkpoints.restore_point_collection_info
  - module: hybridvm.checkpoints.vm_checkpoint
"""

EXAMPLES = r"""
- name: Create a collection for a VM
  hybridvm.checkpoints.restore_point_collection:
    name: shop01-points
    resource_group: rg-shop
    source: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    tags:
      owner: web
  register: points

- name: Create a collection for copies in another region
  hybridvm.checkpoints.restore_point_collection:
    name: shop01-copies
    resource_group: rg-shop
    location: northeurope
    source: "{{ points.restore_point_collection.id }}"

- name: Show which restore points would be removed with a collection
  hybridvm.checkpoints.restore_point_collection:
    name: shop01-old
    resource_group: rg-shop
    state: absent
    force: true
  check_mode: true
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
            - V(create), V(update), V(delete), or V(keep) for a collection that satisfies the task or soon will, with
              its state in C(reason).
          type: str
          returned: always
        target: {description: Name of the resource., type: str, returned: always}
        target_id: {description: Canonical id of the resource., type: str, returned: always}
        provider: {description: V(compute)., type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        resource: {description: ARM id of the resource., type: str, returned: always}
        fields:
          description:
            - C(before) and C(after) of each field that is set; with V(delete), C(restore_points_that_go) names the
              points that are removed with the collection.
          type: dict
          returned: always
operation:
  description: The last operation in this run; null when there was none.
  type: dict
  returned: when the resource could be read
  contains:
    kind: {description: What the task waited for., type: str, returned: always}
    id: {description: Its id or name., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent: {description: Always null; collections have no progress., type: int, returned: always}
    seconds: {description: How long the task watched it., type: float, returned: always}
timing:
  description: Seconds spent reading, applying (outside check mode) and in total.
  type: dict
  returned: when the resource could be read
  sample: {read: 0.12, apply: 42.9, total: 43.1}
restore_point_collection:
  description: The collection as it is after the task; null when there is none.
  type: dict
  returned: when it could be read
  contains:
    id: {description: Its ARM id., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    location: {description: Its region., type: str, returned: always}
    tags: {description: Its tags., type: dict, returned: always}
    source: {description: ARM id of the VM or collection that it is for., type: str, returned: always}
    source_location: {description: Region of its source., type: str, returned: always}
    instant_access: {description: Whether instant access is on., type: bool, returned: always}
    provisioning_state: {description: Its provisioning state., type: str, returned: always}
    restore_points:
      description: Its restore points, in the shape that M(hybridvm.checkpoints.restore_point) returns.
      type: list
      elements: dict
      returned: always
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
    from ..module_utils._tasks.argument_specs import RESTORE_POINT_COLLECTION
    from ..module_utils._tasks.restore_point_collection import restore_point_collection

    return restore_point_collection, RESTORE_POINT_COLLECTION


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
