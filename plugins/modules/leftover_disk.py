#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: leftover_disk
short_description: Remove disks that restores of an Azure VM have left
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Removes managed disks that M(hybridvm.checkpoints.vm_checkpoint_restore) has left. A restore keeps the disks that
    it replaces (O(hybridvm.checkpoints.vm_checkpoint_restore#module:old_disks=keep)), and one that was interrupted or
    given up leaves the disks that it made.
  - M(hybridvm.checkpoints.vm_checkpoint_info) lists them with their ids, if
    O(hybridvm.checkpoints.vm_checkpoint_info#module:leftovers=true).
  - A disk is removed only if a restore of this very VM made it or took its place, if no VM has it, if the service shows
    it as unattached, and if its id is given. If one of O(ids) is anything else, the task removes none, in check mode
    too, and says why.
  - The disks of a restore that has begun to change the VM and is not finished are kept, because the VM may need them.
  - SPF and Arc-enabled SCVMM restore without new disks. What failed creates leave is removed with
    M(hybridvm.checkpoints.vm_checkpoint).
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  vm:
    description: The Azure VM whose restores have left the disks, by its ARM id.
    type: str
    required: true
  ids:
    description:
      - ARM ids of the disks to remove. One that does not exist is fine. An empty list removes nothing, with a warning.
      - If a disk shows by its tags that another one was replaced, give both, or the older one first. Older ones are
        removed first.
    type: list
    elements: str
    required: true
  collection:
    description:
      - The restore point collection of the VM's checkpoints, by name in the VM's resource group or by ARM id;
        C(checkpoints-VMNAME) when not given. Its restore points show which replaced disks were the VM's.
    type: str
  state:
    description: The disks do not exist.
    type: str
    choices: [absent]
    required: true
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint_info
  - module: hybridvm.checkpoints.vm_checkpoint_restore
"""

EXAMPLES = r"""
- name: List what restores have left
  hybridvm.checkpoints.vm_checkpoint_info:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    collection: shop01-points
    leftovers: true
  register: found

- name: Show which of the disks would be removed
  hybridvm.checkpoints.leftover_disk:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    collection: shop01-points
    ids: "{{ found.leftovers | selectattr('kind', 'eq', 'disk') | selectattr('removable') | map(attribute='id') }}"
    state: absent
  check_mode: true
  register: planned

- name: Remove exactly those
  hybridvm.checkpoints.leftover_disk:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    collection: shop01-points
    ids: "{{ found.leftovers | selectattr('kind', 'eq', 'disk') | selectattr('removable') | map(attribute='id') }}"
    state: absent
    expected_plan: "{{ planned.plan.digest }}"
"""

RETURN = r"""
# Written by tools/module_docs.py from docs/source/returns.yml.
plan:
  description:
    - What this run had to do, in order; outside check mode, also what it did. It can be given back as O(expected_plan).
  type: dict
  returned: when the VM could be read
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
        action: {description: V(delete)., type: str, returned: always}
        vm: {description: Name of the VM., type: str, returned: always}
        vm_id: {description: Canonical id of the VM., type: str, returned: always}
        provider: {description: V(compute)., type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        disk: {description: "C(id), C(name) and C(size_gb) of the disk.", type: dict, returned: always}
leftovers:
  description:
    - The disks that restores of the VM had left when the task began, and that are still there. In check mode none is
      gone yet.
  type: list
  elements: dict
  returned: when the VM could be read
  contains:
    vm: {description: The VM as it was given., type: str, returned: always}
    vm_id: {description: The service's id of the VM., type: str, returned: always}
    provider: {description: V(compute)., type: str, returned: always}
    kind: {description: V(disk)., type: str, returned: always}
    id: {description: The id by which it is removed., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    reason: {description: Why it is there; and why it must stay if it is not removable., type: str, returned: always}
    created: {description: "Time of creation, in UTC; null where unknown.", type: str, returned: always}
    size_gb: {description: Size of the disk in GiB; null where unknown., type: int, returned: always}
    removable:
      description:
        - Whether it can be removed. V(false) for a disk that an unfinished restore may still need, that is in use, or
          that no restore point of the VM knows.
      type: bool
      returned: always
operation:
  description: The last operation in this run; null when there was none.
  type: dict
  returned: when the VM could be read
  contains:
    kind: {description: V(arm)., type: str, returned: always}
    id: {description: The service's id of the operation., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent: {description: Always null; a removal has no progress., type: int, returned: always}
    seconds: {description: How long the task watched it., type: float, returned: always}
timing:
  description: Seconds spent reading, applying (outside check mode) and in total.
  type: dict
  returned: when the VM could be read
  sample: {read: 0.12, apply: 3.9, total: 4.1}
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
    from ..module_utils._tasks.argument_specs import LEFTOVER_DISK
    from ..module_utils._tasks.leftover_disk import leftover_disk

    return leftover_disk, LEFTOVER_DISK


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
