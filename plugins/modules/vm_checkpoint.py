#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vm_checkpoint
short_description: Ensure that a VM has, or does not have, a named checkpoint
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Ensures that VMs have, or do not have, a checkpoint of a given name. On SPF and Arc-enabled SCVMM this is a
    checkpoint of VMM, on Azure a restore point.
  - With O(max_age), a new checkpoint is created only if the newest usable one is older. So names need no time stamps.
  - Names are not unique on SPF and Arc-enabled SCVMM. There a name denotes a series, and V(present) is satisfied by any
    usable checkpoint of that name. Where one of several must be chosen, the task fails unless O(on_ambiguous) says
    which one.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.vms
  - hybridvm.checkpoints.options.many
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description:
      - Name of the checkpoint. Required unless O(checkpoint_id) is given, or O(select) with O(state=absent). Case
        matters on SPF and Arc-enabled SCVMM, but not on Azure.
    type: str
  checkpoint_id:
    description:
      - One existing checkpoint, by C(id) or C(host_id). Nothing is created; with V(present), the checkpoint must exist.
        Cannot be combined with O(max_age) or O(supersede=true).
    type: str
  description:
    description:
      - Description of the checkpoint. Left unchanged when not given. This collection adds a line of its own, its mark,
        which results leave out.
      - On Arc-enabled SCVMM a description is only set at creation; a later difference gives a warning and RV(drift).
        Azure keeps no descriptions; there it gives the same warning in each run, and no drift.
      - Ignored with O(state=absent).
    type: str
  state:
    description:
      - V(absent) removes the checkpoint of that name, whoever created it. Its child checkpoints stay. A pinned one is
        only removed by O(checkpoint_id) and O(ignore_pin=true); by its name the task fails.
    type: str
    choices: [present, absent]
    default: present
  max_age:
    description:
      - With V(present), how old the newest usable checkpoint of the name may be, such as V(4h) or V(1d12h). If it is
        older, a new one is added to the series. A checkpoint of unknown age never counts.
    type: str
  supersede:
    description:
      - Remove older checkpoints of the same name once the newest one is usable. Only checkpoints that this collection
        created are removed.
      - On Azure, a new restore point is usable once all of its data has arrived. The task waits for that.
    type: bool
    default: false
  on_ambiguous:
    description:
      - What to do when several checkpoints have the name and one must be chosen (O(state=absent), O(description),
        O(pin)).
    type: str
    choices: [fail, newest, oldest, all]
    default: fail
  group:
    description:
      - Treat O(vms) as one unit, with O(state=present). All VMs are read and planned first, and nothing is done unless
        all could be. Then the checkpoints are created. The first failure ends the task; what runs by then is awaited.
      - Descriptions are changed, and with O(supersede) older checkpoints removed, only after every VM has its
        checkpoint.
      - This gives no consistent moment across the VMs. Each checkpoint is of the time when it was created.
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
          - What becomes of the checkpoints that this run has created when one VM fails before all have theirs. V(keep)
            leaves them, and a further run creates those that are missing.
          - V(undo) removes them again, within the time that O(wait_timeout) leaves. Only checkpoints that are proven to
            be this run's are removed, by id. What has an unknown outcome is reported, and never removed.
          - A signal or the end of the time undoes nothing. RV(group) and RV(vms) say what is there.
        type: str
        choices: [keep, undo]
        default: keep
  pin:
    description:
      - Whether the checkpoint is pinned. A pinned one is removed by nothing but its O(checkpoint_id) with
        O(ignore_pin=true), neither by its name nor by O(supersede). Left unchanged when not given.
      - On SPF the mark in the description holds the pin, on Azure a tag of the collection does. Checkpoints that
        another tool created can be pinned on Azure only.
      - On Arc-enabled SCVMM a pin is only set at creation; the task fails where it would have to change.
    type: bool
  pin_until:
    description:
      - When the pin ends by itself. A time with an offset, or a duration such as V(30d) that counts from the creation
        of the checkpoint. Without it a pin has no end.
    type: str
  pin_lock:
    description:
      - On Azure, whether a management lock on the restore point enforces the pin, against other tools too. Left
        unchanged when not given, and lifted with the pin. It needs the rights to read, write and delete locks.
    type: bool
  ignore_pin:
    description:
      - With O(state=absent) and O(checkpoint_id), remove the checkpoint although it is pinned.
    type: bool
    default: false
  select:
    description:
      - With O(state=absent), the checkpoints to remove, of O(name) or, without O(name), of the VM. V(latest) or
        V(oldest) is that usable checkpoint. A dictionary selects all checkpoints that meet every key in it.
      - Its keys are C(before), a time; C(older_than), a duration; C(name_matches), a regular expression that the whole
        name must match; C(managed) and C(pinned), V(true) or V(false); and C(which), V(latest) or V(oldest), for one of
        those.
      - Pinned checkpoints stay. So do those of unknown age where an age decides, and a warning counts them.
    type: raw
attributes:
  idempotent:
    details:
      - A second run changes nothing while the checkpoint exists and, with O(max_age), is young enough.
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint_restore
  - module: hybridvm.checkpoints.vm_checkpoint_info
"""

EXAMPLES = r"""
- name: Have a checkpoint that is not older than four hours
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    name: before-patching
    description: Patch night, see change 4711
    max_age: 4h
  delegate_to: localhost

- name: The same on SPF and Arc-enabled SCVMM at once, keeping only the newest one
  hybridvm.checkpoints.vm_checkpoint:
    vms:
      - web01
      - db01
      - /subscriptions/{{ subscription }}/resourceGroups/rg-hybrid/providers/Microsoft.HybridCompute/machines/app01
    name: before-patching
    max_age: 4h
    supersede: true
    concurrency: 8
  delegate_to: localhost

- name: Have a restore point of an Azure VM, with a generated name that begins with nightly
  hybridvm.checkpoints.vm_checkpoint:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    name: nightly
    max_age: 20h
    collection: shop01-nightly
  delegate_to: localhost

- name: Change the description of one of several
  hybridvm.checkpoints.vm_checkpoint:
    vm: db01
    name: nightly
    description: Kept for the auditors
    on_ambiguous: newest

- name: Remove a checkpoint by id
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    checkpoint_id: "{{ old_checkpoint_id }}"
    state: absent

- name: Remove all checkpoints of a name
  hybridvm.checkpoints.vm_checkpoint:
    vm: db01
    name: nightly
    state: absent
    on_ambiguous: all

- name: Keep a checkpoint for the auditors, for a year
  hybridvm.checkpoints.vm_checkpoint:
    vm: db01
    name: as-audited
    pin: true
    pin_until: 365d

- name: Lift the pin
  hybridvm.checkpoints.vm_checkpoint:
    vm: db01
    name: as-audited
    pin: false

- name: Have a restore point for thirty days that nobody can remove, not even in the portal
  hybridvm.checkpoints.vm_checkpoint:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    name: as-audited
    collection: shop01-nightly
    pin: true
    pin_until: 30d
    pin_lock: true

- name: Remove what this collection created for a web release more than two weeks ago
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    state: absent
    select:
      older_than: 14d
      managed: true
      name_matches: 'release-\d+'

- name: Plan in check mode, for approval
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    name: before-upgrade
  check_mode: true
  register: proposed

- name: Do what was approved, and nothing else
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    name: before-upgrade
    expected_plan: "{{ proposed.plan }}"

- name: Show what would be removed, for approval
  hybridvm.checkpoints.vm_checkpoint:
    vms: [web01, db01]
    name: before-upgrade
    state: absent
  check_mode: true
  register: removal

- name: Remove exactly that, approved by its digest
  hybridvm.checkpoints.vm_checkpoint:
    vms: [web01, db01]
    name: before-upgrade
    state: absent
    expected_plan: "{{ removal.plan.digest }}"  # such as sha256:77ab..., from a ticket or a pipeline's approval

- name: One VM after the other, stopping at the first failure
  hybridvm.checkpoints.vm_checkpoint:
    vms: [db01, web01]
    name: before-migration
    on_error: stop
    concurrency: 1

- name: All of them or none, the database first
  hybridvm.checkpoints.vm_checkpoint:
    vms: [db01, web01]
    name: before-release
    group:
      on_failure: undo

- name: Start a checkpoint and go on without waiting
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    name: before-tests
    wait: false

- name: Wait until it exists and is usable
  hybridvm.checkpoints.vm_checkpoint:
    vm: web01
    name: before-tests
    wait_timeout: 30m
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
            - V(create), V(update), V(delete), V(keep) for a checkpoint that already satisfies the task, or V(step) for
              what a new checkpoint needs first, such as the collection of an Azure VM.
          type: str
          returned: always
        vm: {description: Name of the VM., type: str, returned: always}
        vm_id: {description: Canonical id of the VM., type: str, returned: always}
        provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        checkpoint:
          description: C(name), C(id) if it exists, and the C(description) of a new one if one is set.
          type: dict
          returned: with C(create), C(update), C(delete), C(keep)
        fields: {description: C(before) and C(after) of each field that changes., type: dict, returned: with C(update)}
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
drift:
  description: Differences from what the task asks for that cannot be changed on this service.
  type: list
  elements: dict
  returned: when there is any
  sample: [{field: description, desired: before patching, actual: ''}]
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
          another VM's failure kept it from the rest of its plan, and V(undone) where what was created was removed.
      type: str
      returned: always
    undo:
      description:
        - What became of undoing it. V(removed); V(not_needed) if this run had created nothing; V(failed), for the
          reason in RV(vms[].undo_error); V(unknown) if it may have created something that nobody can prove to be its;
          V(not_tried) if the time was over, a signal came, or the service had refused the sign-in; null if the group
          did not fail before every VM had its checkpoint.
      type: str
      returned: with C(on_failure=undo) of the group
    undo_error:
      description: What kept it from being undone, as RV(error); null otherwise.
      type: dict
      returned: with C(on_failure=undo) of the group
    plan: {description: As RV(plan), type: dict, returned: always}
    checkpoint: {description: As RV(checkpoint); null without one., type: dict, returned: always}
    operation: {description: As RV(operation); null without one., type: dict, returned: always}
    timing: {description: As RV(timing), type: dict, returned: always}
    duplicates: {description: As RV(duplicates), type: list, elements: dict, returned: when there are any}
    drift: {description: As RV(drift), type: list, elements: dict, returned: when there is any}
    error: {description: As RV(error); null without one., type: dict, returned: always}
group:
  description: What became of the VMs as one unit.
  type: dict
  returned: with C(group)
  contains:
    order: {description: As given., type: str, returned: always}
    on_failure: {description: As given., type: str, returned: always}
    complete:
      description:
        - Whether every VM is as the task asks. In check mode, whether it is so already.
      type: bool
      returned: always
    created:
      description: The checkpoints that this run has created and not removed again.
      type: list
      elements: dict
      returned: always
      contains:
        vm: {description: The VM as it was given., type: str, returned: always}
        id: {description: The checkpoint's id., type: str, returned: always}
        name: {description: Its name., type: str, returned: always}
    undone:
      description: The checkpoints that this run had created and has removed again.
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
    from ..module_utils._tasks.argument_specs import VM_CHECKPOINT
    from ..module_utils._tasks.vm_checkpoint import vm_checkpoint

    return vm_checkpoint, VM_CHECKPOINT


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
