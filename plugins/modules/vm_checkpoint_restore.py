#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vm_checkpoint_restore
short_description: Restore a VM to a checkpoint
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Restores VMs to a checkpoint, on SPF, on Arc-enabled SCVMM and on Azure. On Azure, new disks are created from the
    restore point and replace the VM's disks. Later checkpoints stay.
  - A restore is an act, not a state. A VM that is on a checkpoint may have written to its disks since, so the module
    always restores and reports a change. O(restore_key) makes a retried job a no-op.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.vms
  - hybridvm.checkpoints.options.many
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description:
      - Name of the checkpoint. If several have that name, O(select) or O(on_ambiguous) must say which one.
      - O(name), O(select) or O(checkpoint_id) is required.
    type: str
  checkpoint_id:
    description:
      - The checkpoint, by C(id) or C(host_id). Cannot be combined with O(name) or O(select).
    type: str
  select:
    description:
      - Chooses among the usable checkpoints of O(name), or without O(name) among all usable ones that are not safety
        checkpoints. V(latest), V(oldest), or a dictionary of keys that all must hold.
      - The keys are C(before), a time with an offset; C(older_than), a duration; C(name_matches), a regular expression
        that the whole name must match; C(managed) and C(pinned), V(true) or V(false); and C(which), V(latest) or
        V(oldest), for one of those. With C(before) or C(older_than) the latest one is meant unless C(which) is given.
      - The task fails if the time of a candidate is unknown and the tree of checkpoints does not order it either, and
        if several remain and O(on_ambiguous) does not say which one.
    type: raw
  on_ambiguous:
    description:
      - What to do when several usable checkpoints have the name, or meet O(select).
    type: str
    choices: [fail, newest, oldest]
    default: fail
  safety_checkpoint:
    description:
      - Create a checkpoint of the VM before it is restored. It is named C(safety before restore to NAME), on Azure
        C(safety-before-NAME) followed by the time and a nonce. It stays until you, or a policy of yours, remove it.
    type: bool
    default: false
  restore_key:
    description:
      - Names this restore, for example by the id of the job, so that a retried job does not restore twice.
      - On SPF and Arc-enabled SCVMM it needs O(safety_checkpoint=true), because the safety checkpoint carries the key's
        hash. A later run with the same key finds that checkpoint, and does nothing if the VM is no longer on it.
      - On Azure it needs no safety checkpoint, because the new disks record the run in their names and tags.
      - If the service does not say which checkpoint the VM is on, the task fails with C(outcome_unknown).
    type: str
  if_running:
    description:
      - What to do with a VM that is on. V(stop) turns it off first, without asking the guest, whose state is lost in
        any case. V(fail) refuses it, and also a VM whose power state is unknown.
    type: str
    choices: [proceed, stop, fail]
    default: proceed
  power_after:
    description:
      - The power state after the restore, which stands in the plan. V(previous) is the state that the VM had before. A
        restore by itself may leave it off, such as to a production checkpoint.
      - With V(previous), a VM that is shown as neither on nor off is left as the restore leaves it, with a warning. On
        Azure it is refused, because the VM is deallocated on the way.
    type: str
    choices: [previous, "on", "off"]
    default: previous
  old_disks:
    description:
      - For Azure VMs, what to do with the disks that were replaced. V(delete) deletes them only after the VM has been
        seen on its new disks.
    type: str
    choices: [keep, delete]
    default: keep
  group:
    description:
      - Treat O(vms) as one unit. The checkpoint of every VM is chosen and checked, and with O(safety_checkpoint) the
        safety checkpoint of every VM is created, before the first VM is turned off or goes back. Nothing is done unless
        all VMs could be planned. After the safety checkpoints, all VMs are read and checked once more.
      - The first failure ends the task; what runs by then is awaited. RV(group) says which VMs went back. There is no
        way back from a restore but another one, so none is undone.
      - This gives no consistent moment across the VMs. Each goes back to a checkpoint of its own time.
      - An empty list of VMs is an error here. Cannot be combined with O(vm), O(on_error) or O(wait=false).
    type: dict
    suboptions:
      order:
        description:
          - V(given) works on one VM after the other, in the order of O(vms). V(parallel) works on O(concurrency) VMs at
            once. VMs are read in parallel in any case.
        type: str
        choices: [given, parallel]
        default: given
      on_failure:
        description:
          - V(keep) leaves every VM where it is when one fails, and the safety checkpoints too.
        type: str
        choices: [keep]
        default: keep
attributes:
  idempotent:
    support: partial
    details:
      - A restore is an act, so a second run restores again. With O(restore_key) it does not.
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint
  - module: hybridvm.checkpoints.vm_checkpoint_info
"""

EXAMPLES = r"""
- name: Restore a VM to before the patch
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: web01
    name: before-patching
  delegate_to: localhost

- name: Restore to the latest of a series, once per job, with a safety checkpoint, and start the VM
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: db01
    name: nightly
    select: latest
    safety_checkpoint: true
    restore_key: "{{ job_id }}"
    if_running: stop
    power_after: "on"

- name: Restore to the latest checkpoint before a time
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: web01
    select:
      before: "2026-11-01T00:00:00Z"

- name: Restore to the latest nightly checkpoint that is at least a day old
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: db01
    select:
      name_matches: 'nightly.*'
      older_than: 1d

- name: Restore many VMs to their newest checkpoint of a name, stopping at the first failure
  hybridvm.checkpoints.vm_checkpoint_restore:
    vms: [web01, db01]
    name: nightly
    on_ambiguous: newest
    on_error: stop

- name: Restore an application, none of its VMs before all of them have a safety checkpoint
  hybridvm.checkpoints.vm_checkpoint_restore:
    vms: [db01, web01]
    name: baseline
    safety_checkpoint: true
    group:
      order: given

- name: Restore many VMs, each to its latest checkpoint before a time
  hybridvm.checkpoints.vm_checkpoint_restore:
    vms: [web01, db01]
    select:
      before: "2026-11-02T00:00:00Z"
    concurrency: 2

- name: Restore a VM of Arc-enabled SCVMM by the id of the checkpoint
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-hybrid/providers/Microsoft.HybridCompute/machines/app01
    checkpoint_id: "{{ arc_checkpoint_id }}"

- name: Restore an Azure VM to its newest restore point, once per job, keeping the old disks
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    select: latest
    collection: shop01-points
    restore_key: "{{ job_id }}"
    old_disks: keep
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
    group:
      description: With C(group), its C(order) and C(on_failure), which an approval covers.
      type: dict
      returned: with C(group)
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
            - V(create) for the safety checkpoint, V(power), V(restore), V(keep) if the key shows that the restore is
              done already, or V(step) for one part of a restore in place on Azure.
          type: str
          returned: always
        vm: {description: Name of the VM., type: str, returned: always}
        vm_id: {description: Canonical id of the VM., type: str, returned: always}
        provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        checkpoint:
          description: C(name), C(id) if it exists, and C(safety) if it is the safety checkpoint.
          type: dict
          returned: with C(create), C(restore), C(keep)
        terms:
          description: The options that were set besides the target; on Azure the steps hold them in C(about).
          type: dict
          returned: when options other than the target were set
        restores: {description: What comes back with it., type: str, returned: with C(restore)}
        power: {description: V(on) or V(off)., type: str, returned: with C(power)}
        step: {description: What the step does., type: str, returned: with C(step)}
        about: {description: What the step works on., type: dict, returned: with C(step)}
checkpoint:
  description:
    - The checkpoint on which the task ended; null when there is none. In check mode, what is not known yet is null.
  type: dict
  returned: for a single VM that could be looked up
  contains:
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
    mark: {description: "Contents of the mark; null without one, as on Azure.", type: dict, returned: always}
    pinned: {description: "Whether it is pinned, so that nothing but its id removes it.", type: bool, returned: always}
    pin_until:
      description: When its pin ends, or has ended; null for a pin without an end, and without a pin.
      type: str
      returned: always
    age_seconds: {description: Age by the service's clock; null where unknown., type: int, returned: always}
  sample:
    id: 831e819f-f852-47a8-b4b0-c61ba062df73
    host_id: c20f0a11-1f6b-4d8e-9a57-0f4ad2b1c9e0
    name: before-patching
    description: ''
    created: '2026-11-20T11:30:02Z'
    parent_id: a11cc636-5521-4f88-92b2-cad392911fe0
    depth: 3
    current: true
    position: current
    usable: true
    usability: usable
    consistency: null
    managed: true
    other_vm: false
    mark:
      nonce: 9f2c41d07ab3
      created: '2026-11-20T11:30:00Z'
      safety: false
      power: null
      key: null
      target: null
    pinned: false
    pin_until: null
    age_seconds: 4
duplicates:
  description: Checkpoints of the same name that others created at the same time. They are kept.
  type: list
  elements: dict
  returned: when there are any
operation:
  description: The service's last operation in this run; null when there was none.
  type: dict
  returned: for a single VM that could be looked up
  contains:
    kind: {description: V(job) (SPF) or V(arm)., type: str, returned: always}
    id: {description: The service's id of the operation., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent:
      description: Progress in percent; null where the service does not report it.
      type: int
      returned: always
    seconds: {description: How long the task watched it., type: float, returned: always}
timing:
  description: Seconds spent reading, applying and in total.
  type: dict
  returned: when the task could start
  sample: {read: 0.12, apply: 3.9, total: 4.1}
sign_in:
  description:
    - How the task signed in, by service. For C(spf) V(kerberos), V(ntlm), V(basic), V(bearer) or V(certificate); for
      C(azure) V(secret), V(certificate), V(federation), V(msi), V(cli) or V(token). A task whose sign-in was refused
      has none.
  type: dict
  returned: when there is any
  sample: {spf: kerberos}
vms:
  description: With O(vms), one element per VM in input order.
  type: list
  elements: dict
  returned: with O(vms)
  contains:
    vm: {description: The VM as it was given., type: str, returned: always}
    vm_id:
      description: The service's id of the VM; null where the service did not answer.
      type: str
      returned: always
    provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
    status:
      description:
        - V(changed), V(unchanged), V(failed), V(not_started) or V(outcome_unknown). With C(group), V(stopped) where
          another VM's failure kept it from the rest of its plan.
      type: str
      returned: always
    plan: {description: As RV(plan), type: dict, returned: always}
    checkpoint: {description: As RV(checkpoint); null without one., type: dict, returned: always}
    operation: {description: As RV(operation); null without one., type: dict, returned: always}
    timing: {description: As RV(timing), type: dict, returned: always}
    duplicates: {description: As RV(duplicates), type: list, elements: dict, returned: when there are any}
    error: {description: As RV(error); null without one., type: dict, returned: always}
group:
  description: What became of the VMs as one unit.
  type: dict
  returned: with C(group)
  contains:
    order: {description: As given., type: str, returned: always}
    on_failure: {description: V(keep)., type: str, returned: always}
    complete:
      description:
        - Whether every VM is as the task asks. In check mode, whether it is so already.
      type: bool
      returned: always
    went_back:
      description: The VMs that are back, as they were given. One that a O(restore_key) shows to be back is among them.
      type: list
      elements: str
      returned: always
    unfinished:
      description: The VMs whose restore had begun and did not end well. Their errors in RV(vms) say where they stand.
      type: list
      elements: str
      returned: always
    not_back: {description: The VMs whose restore had not begun., type: list, elements: str, returned: always}
    created:
      description: The checkpoints that this run has created and not removed again.
      type: list
      elements: dict
      returned: always
      contains:
        vm: {description: The VM as it was given., type: str, returned: always}
        id: {description: The checkpoint's id., type: str, returned: always}
        name: {description: Its name., type: str, returned: always}
    unknown:
      description: Creates that were sent and of which nobody knows whether they have created a checkpoint.
      type: list
      elements: dict
      returned: always
      contains:
        vm: {description: The VM as it was given., type: str, returned: always}
        name: {description: The name that was asked for., type: str, returned: always}
msg:
  description: One line. With O(vms) how many of them changed, and so on; of a task that failed what RV(error) says.
  type: str
  returned: with O(vms), and when the task failed
  sample: '6 VMs: 2 changed, 4 unchanged.'
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
    from ..module_utils._tasks.argument_specs import VM_CHECKPOINT_RESTORE
    from ..module_utils._tasks.vm_checkpoint_restore import vm_checkpoint_restore

    return vm_checkpoint_restore, VM_CHECKPOINT_RESTORE


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
