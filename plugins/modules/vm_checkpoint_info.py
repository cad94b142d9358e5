#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vm_checkpoint_info
short_description: List checkpoints of one VM, of many, or of a whole scope
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Lists checkpoints in the same shape for every service, with parent, depth and age, and whether the VM is on it,
    whether it is usable, and whether this collection manages it.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.vms
  - hybridvm.checkpoints.options.many_read
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.reads
options:
  scope:
    description:
      - Lists a whole scope, instead of O(vm) or O(vms). One of the three is required.
      - V(spf) is the tenant. V(scvmm) is the hybrid machines of kind SCVMM, and V(compute) the Azure VMs, in
        O(subscription_id) or in its O(resource_group).
    type: str
    choices: [spf, scvmm, compute]
  resource_group:
    description: Narrows O(scope=scvmm) or O(scope=compute) to one resource group.
    type: str
  name:
    description: Only checkpoints of this name.
    type: str
  managed:
    description: Only checkpoints that this collection created (V(true)) or did not create (V(false)).
    type: bool
  older_than:
    description:
      - Only checkpoints older than this, such as V(30d). Those of unknown age are left out, and a warning counts them.
    type: str
  younger_than:
    description:
      - Only checkpoints not older than this. Those of unknown age are left out, and a warning counts them.
    type: str
  select:
    description:
      - Of each VM, only the checkpoints that also meet this. V(latest) or V(oldest) is that usable checkpoint. A
        dictionary selects the checkpoints that meet every key in it.
      - Its keys are C(before), a time with an offset; C(older_than), a duration; C(name_matches), a regular expression
        that the whole name must match; C(managed) and C(pinned), V(true) or V(false); and C(which), V(latest) or
        V(oldest), for one of those.
      - Those of unknown age are left out where an age decides, and a warning counts them. A VM of which nobody can tell
        the latest counts as one that cannot be read (O(on_error)).
    type: raw
  leftovers:
    description:
      - Also lists what restores and failed creates have left, as RV(leftovers). The filters for checkpoints do not
        apply to it.
      - On Azure that is restore points that failed, disks that a restore replaced and kept
        (O(hybridvm.checkpoints.vm_checkpoint_restore#module:old_disks=keep)), and disks that were made by a restore
        that was interrupted or given up. On SPF and Arc-enabled SCVMM it is checkpoints of ours whose create failed.
      - On Azure it reads the disks of the VM's resource group, and needs the right to do so.
      - Disks are removed with M(hybridvm.checkpoints.leftover_disk). Restore points and checkpoints are removed with
        M(hybridvm.checkpoints.vm_checkpoint), O(hybridvm.checkpoints.vm_checkpoint#module:state=absent) and
        O(hybridvm.checkpoints.vm_checkpoint#module:checkpoint_id).
    type: bool
    default: false
seealso:
  - module: hybridvm.checkpoints.leftover_disk
  - module: hybridvm.checkpoints.vm_checkpoint
  - module: hybridvm.checkpoints.vm_checkpoint_restore
"""

EXAMPLES = r"""
- name: List the checkpoints of a VM
  hybridvm.checkpoints.vm_checkpoint_info:
    vm: web01
  register: found

- name: List what this collection created in the whole tenant more than thirty days ago
  hybridvm.checkpoints.vm_checkpoint_info:
    scope: spf
    managed: true
    older_than: 30d

- name: List what is pinned of many VMs
  hybridvm.checkpoints.vm_checkpoint_info:
    vms: [web01, db01]
    select:
      pinned: true
  register: pinned

- name: Audit many VMs, and go on without those that cannot be read
  hybridvm.checkpoints.vm_checkpoint_info:
    vms: [web01, db01]
    on_error: report
  register: audit

- name: List what restores have left of all Azure VMs of a resource group
  hybridvm.checkpoints.vm_checkpoint_info:
    scope: compute
    resource_group: rg-shop
    subscription_id: "{{ subscription }}"
    leftovers: true
  register: found

- name: List all Arc-enabled SCVMM VMs of a resource group
  hybridvm.checkpoints.vm_checkpoint_info:
    scope: scvmm
    resource_group: rg-hybrid

- name: List the restore points of an Azure VM
  hybridvm.checkpoints.vm_checkpoint_info:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    collection: shop01-points
"""

RETURN = r"""
# Written by tools/module_docs.py from docs/source/returns.yml.
checkpoints:
  description: The checkpoints that pass all filters, VM by VM, oldest first where times are known.
  type: list
  elements: dict
  returned: when the task could start
  contains:
    vm: {description: The VM as it was given; with O(scope) its id., type: str, returned: always}
    vm_name: {description: Name of the VM; its id where the service shows no name., type: str, returned: always}
    vm_id: {description: The service's id of the VM., type: str, returned: always}
    provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
    id:
      description: The id that the service's own calls take; null until Arc-enabled SCVMM shows it.
      type: str
      returned: always
    host_id: {description: The hypervisor's id; null until the service shows it., type: str, returned: always}
    name: {description: Name of the checkpoint., type: str, returned: always}
    description: {description: "Description, without this collection's mark.", type: str, returned: always}
    created: {description: "Time of creation, in UTC; null where unknown.", type: str, returned: always}
    parent_id: {description: C(id) of the parent checkpoint; null for a root., type: str, returned: always}
    depth: {description: Depth in the tree; 1 for a root., type: int, returned: always}
    current: {description: Whether the VM is known to be on this checkpoint now., type: bool, returned: always}
    position:
      description: V(current), V(elsewhere), or V(unknown) where the service does not say.
      type: str
      returned: always
    usable: {description: Whether it is known that it can be restored., type: bool, returned: always}
    usability:
      description:
        - V(usable), V(arriving) (it is being made, or its data is), V(unusable), or V(unknown) where the service leaves
          it open.
      type: str
      returned: always
    consistency:
      description:
        - The consistency that the service reports, such as V(ApplicationConsistent); null where it reports none, as on
          SPF and Arc-enabled SCVMM.
      type: str
      returned: always
    managed: {description: Whether its mark says that this collection created it., type: bool, returned: always}
    other_vm:
      description:
        - Whether it is known to be of another VM that had this name. Then only its id leads there, also where it is
          usable. V(false) on SPF and Arc-enabled SCVMM.
      type: bool
      returned: always
    mark: {description: Contents of the mark; null without one., type: dict, returned: always}
    pinned: {description: "Whether it is pinned, so that nothing but its id removes it.", type: bool, returned: always}
    pin_until:
      description: When its pin ends, or has ended; null for a pin without an end, and without a pin.
      type: str
      returned: always
    age_seconds: {description: Age by the service's clock; null where unknown., type: int, returned: always}
leftovers:
  description: What restores and failed creates have left, VM by VM.
  type: list
  elements: dict
  returned: with O(leftovers)
  contains:
    vm: {description: The VM as it was given; with O(scope) its id., type: str, returned: always}
    vm_id: {description: The service's id of the VM., type: str, returned: always}
    provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
    kind: {description: "V(disk), V(restore_point) or V(checkpoint).", type: str, returned: always}
    id: {description: The id by which it is removed., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    reason: {description: Why it is there; and why it must stay if it is not removable., type: str, returned: always}
    created: {description: "Time of creation, in UTC; null where unknown.", type: str, returned: always}
    size_gb: {description: Size of a disk in GiB; null for others and where unknown., type: int, returned: always}
    removable:
      description:
        - Whether it can be removed. V(false) for a disk that an unfinished restore may still need, that is in use, or
          that no restore point of the VM knows.
      type: bool
      returned: always
vms:
  description:
    - The VMs that were asked for. One that does not exist or cannot be read has its error here, and null for what is
      not known. O(on_error) says whether the task then fails.
  type: list
  elements: dict
  returned: when the task could start
  contains:
    vm: {description: The VM as it was given; with O(scope) its id., type: str, returned: always}
    name:
      description: Name of the VM; its id where the service shows no name; null when it was not found.
      type: str
      returned: always
    vm_id: {description: The service's id of the VM; null when it was not found., type: str, returned: always}
    provider:
      description: V(spf), V(scvmm) or V(compute); null for a reference that belongs to none.
      type: str
      returned: always
    power: {description: "V(on), V(off) or V(unknown); null when it could not be read.", type: str, returned: always}
    checkpoint_count:
      description: Number of its checkpoints before any filter; null when it could not be read.
      type: int
      returned: always
    status: {description: "V(read), V(failed) or V(not_started).", type: str, returned: always}
    error: {description: As RV(error); null without one., type: dict, returned: always}
timing:
  description: Seconds in total.
  type: dict
  returned: when the task could start
  sample: {total: 0.4}
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
  type: dict
  returned: failure
  contains:
    code: {description: One of a closed list; see the collection's page on errors., type: str, returned: always}
    message: {description: "What went wrong, and with what.", type: str, returned: always}
    status: {description: HTTP status., type: int, returned: always}
    request_id: {description: The service's id of the request., type: str, returned: always}
    correlation_id: {description: The id that groups the request with others., type: str, returned: always}
    operation: {description: Always null here., type: dict, returned: always}
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
    from ..module_utils._tasks.argument_specs import VM_CHECKPOINT_INFO
    from ..module_utils._tasks.vm_checkpoint_info import vm_checkpoint_info

    return vm_checkpoint_info, VM_CHECKPOINT_INFO


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
