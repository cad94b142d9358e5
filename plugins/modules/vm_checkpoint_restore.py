#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_checkpoint_restore
short_description: Bring a VM back to a checkpoint
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Brings VMs back to a checkpoint, on SPF, on Arc-enabled SCVMM and on Azure, where new disks are made from the
    restore point and take the place of the VM's. Later checkpoints stay.
  - A restore is an act, not a state. That a VM stands on a checkpoint does not say that nothing was written since, so
    the module always restores and reports a change. O(restore_key) makes a retried job a no-op.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.vms
  - hybridvm.checkpoints.options.many
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  name:
    description:
      - Name of the checkpoint. With several of that name, O(select) or O(on_ambiguous) must say which.
    type: str
  checkpoint_id:
    description:
      - The checkpoint by C(id) or C(host_id); instead of O(name) and O(select).
    type: str
  select:
    description:
      - Choose by time among all usable checkpoints, or among those of O(name). V(latest), V(oldest), or C(before) with
        a time that has an offset, for the latest made before it. Fails where a candidate's time is unknown and the tree
        does not order it. Without O(name), safety checkpoints are left out.
    type: raw
  on_ambiguous:
    description:
      - What to do when several usable checkpoints have the name and O(select) is not given.
    type: str
    choices: [fail, newest, oldest]
    default: fail
  safety_checkpoint:
    description:
      - Take a checkpoint of the VM as it is before it is restored, named C(safety before restore to NAME), on Azure
        C(safety-before-NAME) with time and nonce behind it. It stays until you (or a policy of yours) remove it.
    type: bool
    default: false
  restore_key:
    description:
      - Names this restore, for example by the job's id. A run with the same key finds the safety checkpoint of the
        earlier one and does nothing if the VM no longer stands on it. Needs O(safety_checkpoint=true), except on Azure,
        whose new disks carry the run; elsewhere that checkpoint carries the key's hash. Where the service does not say
        on what the VM stands, the task fails with C(outcome_unknown).
    type: str
  if_running:
    description:
      - What to do with a VM that is on. V(stop) turns it off first, without asking the guest, whose state is given up
        anyway; V(fail) also refuses a VM whose power state is unknown.
    type: str
    choices: [proceed, stop, fail]
    default: proceed
  power_after:
    description:
      - The power state to end with. Without it the VM is left as the restore leaves it (off, after a production
        checkpoint); on Azure it then has the power state that it had before, so there a VM that is shown as neither on
        nor off is refused unless this says how to end.
    type: str
    choices: [previous, "on", "off"]
  old_disks:
    description:
      - For Azure VMs, what becomes of the disks that the restored ones take the place of. They are only deleted once
        the VM has been seen on its new disks.
    type: str
    choices: [keep, delete]
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
- name: Back to before the patch
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: web01
    name: before-patching
  delegate_to: localhost

- name: Back to the latest of a series, with a way back, once per job, and running afterwards
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: db01
    name: nightly
    select: latest
    safety_checkpoint: true
    restore_key: "{{ job_id }}"
    if_running: stop
    power_after: "on"

- name: Back to how it was on the first of November
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: web01
    select:
      before: "2026-11-01T00:00:00Z"

- name: Many VMs, each back to the newest of a name, and no further VM once one has failed
  hybridvm.checkpoints.vm_checkpoint_restore:
    vms: [web01, db01]
    name: nightly
    on_ambiguous: newest
    on_error: stop

- name: Many VMs, each back to the latest of its own before a time
  hybridvm.checkpoints.vm_checkpoint_restore:
    vms: [web01, db01]
    select:
      before: "2026-11-02T00:00:00Z"
    concurrency: 2

- name: A VM of Arc-enabled SCVMM, by the checkpoint's id
  hybridvm.checkpoints.vm_checkpoint_restore:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-hybrid/providers/Microsoft.HybridCompute/machines/app01
    checkpoint_id: "{{ arc_checkpoint_id }}"

- name: An Azure VM onto disks made from its newest restore point, the old disks kept, once per job
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
    - What this run had to do, in order; outside check mode also what it did. Can be given back as O(expected_plan).
  type: dict
  returned: when the VM could be read
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
            - V(create) (the safety checkpoint), V(power), V(restore), V(keep) for a restore that its key shows as done,
              or V(step) for one part of a restore in place on Azure.
          type: str
          returned: always
        vm: {description: The VM's name., type: str, returned: always}
        vm_id: {description: Its canonical id., type: str, returned: always}
        provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
        service: {description: The root of the service that has it., type: str, returned: always}
        reason: {description: Why it is needed., type: str, returned: always}
        checkpoint:
          description: C(name), C(id) where it exists, and C(safety) where it is the way back.
          type: dict
          returned: with C(create), C(restore), C(keep)
        terms:
          description: The options beside the target that were set; on Azure its steps hold them in C(about).
          type: dict
          returned: where options beside the target were set
        power: {description: V(on) or V(off)., type: str, returned: with C(power)}
        step: {description: What is done., type: str, returned: with C(step)}
        about: {description: To which things., type: dict, returned: with C(step)}
checkpoint:
  description:
    - The checkpoint the task ended on; null when there is none. In check mode what nobody knows yet is null.
  type: dict
  returned: for a single VM that could be looked up
  contains:
    id: {description: What the service's own calls take., type: str, returned: always}
    host_id: {description: The hypervisor's id; null while it has not told one., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    description: {description: "Its description, without this collection's mark.", type: str, returned: always}
    created: {description: "When it was made, in UTC; null where nobody knows.", type: str, returned: always}
    parent_id: {description: The C(id) of the checkpoint it stands on; null at the root., type: str, returned: always}
    depth: {description: 1 for a root., type: int, returned: always}
    current:
      description: Whether the VM now stands on it; null where the service does not say.
      type: bool
      returned: always
    usable: {description: Whether it can be restored; null where nobody can say yet., type: bool, returned: always}
    consistency:
      description:
        - What the service says it achieved, such as V(ApplicationConsistent); null where it does not tell, as on SPF
          and Arc-enabled SCVMM.
      type: str
      returned: always
    managed: {description: Whether its mark says that this collection made it., type: bool, returned: always}
    mark: {description: "What the mark holds; null without one, as on Azure.", type: dict, returned: always}
    age_seconds: {description: Its age by the service's clock; null where unknown., type: int, returned: always}
  sample:
    id: 831e819f-f852-47a8-b4b0-c61ba062df73
    host_id: c20f0a11-1f6b-4d8e-9a57-0f4ad2b1c9e0
    name: before-patching
    description: ''
    created: '2026-11-20T11:30:02Z'
    parent_id: a11cc636-5521-4f88-92b2-cad392911fe0
    depth: 3
    current: true
    usable: true
    consistency: null
    managed: true
    mark:
      nonce: 9f2c41d07ab3
      created: '2026-11-20T11:30:00Z'
      safety: false
      power: null
      key: null
      target: null
    age_seconds: 4
duplicates:
  description: Checkpoints of the same name that somebody else made at the same time; they are kept.
  type: list
  elements: dict
  returned: when there are any
operation:
  description: The service's last operation of this run; null when there was none.
  type: dict
  returned: for a single VM that could be looked up
  contains:
    kind: {description: V(job) (SPF) or V(arm)., type: str, returned: always}
    id: {description: The service's id for it., type: str, returned: always}
    status: {description: "V(running), V(succeeded), V(failed) or V(unknown).", type: str, returned: always}
    percent: {description: Progress where the service tells it., type: int, returned: always}
    seconds: {description: How long it was watched., type: float, returned: always}
timing:
  description: Seconds spent reading, applying and in total.
  type: dict
  returned: when the task could start
  sample: {read: 0.12, apply: 3.9, total: 4.1}
vms:
  description: With O(vms), one element per VM in input order.
  type: list
  elements: dict
  returned: with O(vms)
  contains:
    vm: {description: The VM as it was given., type: str, returned: always}
    vm_id: {description: The service's id for the VM., type: str, returned: always}
    provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
    status:
      description: V(changed), V(unchanged), V(failed), V(not_started) or V(outcome_unknown).
      type: str
      returned: always
    plan: {description: As RV(plan), type: dict, returned: always}
    checkpoint: {description: As RV(checkpoint); null without one., type: dict, returned: always}
    operation: {description: As RV(operation); null without one., type: dict, returned: always}
    timing: {description: As RV(timing), type: dict, returned: always}
    duplicates: {description: As RV(duplicates), type: list, elements: dict, returned: when there are any}
    error: {description: As RV(error); null without one., type: dict, returned: always}
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
from ..module_utils._tasks.argument_specs import CHANGES, CONNECTION, DEADLINE, MANY, VMS
from ..module_utils._tasks.vm_checkpoint_restore import vm_checkpoint_restore


def main() -> None:
    """Run the module."""
    run_module(
        vm_checkpoint_restore,
        {
            **CONNECTION,
            **VMS,
            **MANY,
            **DEADLINE,
            **CHANGES,
            "name": {"type": "str"},
            "checkpoint_id": {"type": "str"},
            "select": {"type": "raw"},
            "on_ambiguous": {"type": "str", "choices": ["fail", "newest", "oldest"], "default": "fail"},
            "safety_checkpoint": {"type": "bool", "default": False},
            "restore_key": {"type": "str", "no_log": False},
            "if_running": {"type": "str", "choices": ["proceed", "stop", "fail"], "default": "proceed"},
            "power_after": {"type": "str", "choices": ["previous", "on", "off"]},
            "old_disks": {"type": "str", "choices": ["keep", "delete"], "default": "keep"},
        },
        mutually_exclusive=[["vm", "vms"], ["checkpoint_id", "name"], ["checkpoint_id", "select"]],
        required_one_of=[["vm", "vms"], ["name", "select", "checkpoint_id"]],
    )


if __name__ == "__main__":
    main()
