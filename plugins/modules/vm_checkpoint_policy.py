#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vm_checkpoint_policy
short_description: Keep a series of checkpoints of VMs fresh, and remove what is not to be kept
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Brings a series of checkpoints of VMs to a policy. With O(max_age), a usable one that is not older exists. With
    O(keep), those stay that it names, and the others of the series go.
  - Every checkpoint of a VM stands in RV(plan) with the rule that decided, whether it stays or goes. A new one is
    made first, and only when it is usable the others go, oldest first and one at a time.
  - The policy governs its own series alone, which is the checkpoints that this collection made under O(prefix). All
    others stay, unless O(adopt) or O(include_unmanaged) says otherwise.
  - In check mode this is an audit. RV(compliance) says of each VM what is wrong.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.vms
  - hybridvm.checkpoints.options.many
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.changes
options:
  prefix:
    description:
      - What the names of the series begin with. Give each policy of a VM its own.
      - Checkpoints that are named just so are of the series too, such as those that
        M(hybridvm.checkpoints.vm_checkpoint) has made under this name.
    type: str
    default: policy
  name_template:
    description:
      - How a new checkpoint is named. It must hold C({prefix}), and may hold C({vm}), C({utc:FORMAT}) and
        C({local:FORMAT}), with FORMAT of C(%Y %y %m %d %H %M %S %j %G %V).
      - On Azure names are unique, so a time and a nonce stand behind what the template makes (a nonce alone behind the
        default), and the rest may have 50 characters.
    type: str
    default: "{prefix}-{utc:%Y%m%dT%H%M%SZ}"
  max_age:
    description:
      - How old the newest usable checkpoint of the series may be, such as V(24h). If it is older, a new one is made.
        One of required O(max_age) and O(keep).
    type: str
  keep:
    description:
      - Which checkpoints stay. A counted rule keeps the newest one of each hour, day, week (ISO 8601), month or year,
        for so many of them; hours without any do not count. While counts are left, the oldest checkpoint stays too.
      - A span keeps what was made within it, counted from the newest usable checkpoint, the new one included. It takes
        C(y), C(mo), C(w), C(d) and C(h), such as V(1y6mo).
      - The rules are those of restic's C(forget). What any of them keeps stays. Without O(keep), nothing is removed.
    type: dict
    suboptions:
      last: {description: The newest so many., type: int}
      hourly: {description: The newest of each of so many hours., type: int}
      daily: {description: The newest of each of so many days., type: int}
      weekly: {description: The newest of each of so many weeks., type: int}
      monthly: {description: The newest of each of so many months., type: int}
      yearly: {description: The newest of each of so many years., type: int}
      within: {description: All within the span., type: str}
      within_hourly: {description: The newest of each hour within the span., type: str}
      within_daily: {description: The newest of each day within the span., type: str}
      within_weekly: {description: The newest of each week within the span., type: str}
      within_monthly: {description: The newest of each month within the span., type: str}
      within_yearly: {description: The newest of each year within the span., type: str}
  min_good:
    description:
      - The newest so many usable checkpoints of the series stay, whatever O(keep) says. Fewer are a violation in
        RV(compliance). Failed ones, and those of which the service does not say whether they are usable, do not count.
    type: int
    default: 1
  keep_failed:
    description: With O(keep), how many of the newest failed checkpoints of the series stay.
    type: int
    default: 1
  max_deletes:
    description:
      - How many checkpoints of one VM the task may remove. If more would go, none of them is removed. A new one is made
        all the same, the other VMs go on, and the task fails with C(too_many_deletes).
    type: int
    default: 5
  max_deletes_total:
    description: The same for all VMs of the task together; if more would go, none is removed of any VM.
    type: int
  timezone:
    description:
      - Where hours, days, weeks, months and years begin, such as V(Europe/Berlin). Any but V(UTC) needs a database of
        time zones on the machine that runs the module.
    type: str
    default: UTC
  pins:
    description: Checkpoints that stay, by id or name. One that does not exist is a violation in RV(compliance).
    type: list
    elements: str
    default: []
  include_unmanaged:
    description:
      - Whether checkpoints of the series' names that do not bear the mark of this collection are governed too.
    type: bool
    default: false
  adopt:
    description:
      - Checkpoints of other names that the policy governs in this run, whoever made them. Use it to take over what
        another tool has left.
    type: dict
    suboptions:
      name:
        description: The name; on Azure in any case, and also that of a series of generated names.
        type: str
      name_matches:
        description: A regular expression that the whole name must match, of the kind that O(select) takes.
        type: str
  select:
    description:
      - Which checkpoints the policy may remove. What it would remove and this does not select stays, with the rule
        V(not_selected). It never makes a policy remove more.
      - V(latest) or V(oldest) is that usable checkpoint. A dictionary selects all checkpoints that meet every key in
        it. Its keys are C(before), a time; C(older_than), a duration; C(name_matches), a regular expression that the
        whole name must match; C(managed) and C(pinned), V(true) or V(false); and C(which), V(latest) or V(oldest), for
        one of those.
    type: raw
  thresholds:
    description: From when on something is a violation in RV(compliance).
    type: dict
    suboptions:
      stale_after:
        description: How old the newest usable checkpoint of the series may be; O(max_age) when not given.
        type: str
      points:
        description: How many checkpoints a VM may have, whoever made them. Not checked when not given.
        type: int
      failed_points:
        description: How many checkpoints of the series may have failed; O(keep_failed) when not given.
        type: int
      near_limit:
        description: The percentage of the checkpoints that the service allows of a VM.
        type: int
        default: 90
  on_violation:
    description:
      - Whether a VM that does not comply fails, with C(not_compliant). In check mode RV(compliance) is about what
        exists, otherwise about what the task has left.
    type: str
    choices: [fail, report]
    default: report
attributes:
  idempotent:
    details:
      - A second run changes nothing until O(max_age) is over or a span or a period of O(keep) has moved on.
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint
  - module: hybridvm.checkpoints.vm_checkpoint_info
"""

EXAMPLES = r"""
- name: Keep a week of days and a month of weeks, of many VMs
  hybridvm.checkpoints.vm_checkpoint_policy:
    vms: [web01, db01]
    prefix: nightly
    max_age: 20h
    keep:
      daily: 7
      weekly: 4
    timezone: Europe/Berlin
  delegate_to: localhost

- name: See what would go and why, and whether the VMs comply
  hybridvm.checkpoints.vm_checkpoint_policy:
    vms: [web01, db01]
    prefix: nightly
    max_age: 20h
    keep:
      daily: 7
      weekly: 4
  check_mode: true
  register: audit

- name: Fail a pipeline if a VM has no fresh checkpoint, and change nothing
  hybridvm.checkpoints.vm_checkpoint_policy:
    vm: web01
    prefix: nightly
    max_age: 26h
    on_violation: fail
  check_mode: true

- name: Keep restore points of an Azure VM within spans, and one for each month of a year
  hybridvm.checkpoints.vm_checkpoint_policy:
    vm: /subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01
    prefix: hourly
    max_age: 1h
    keep:
      within: 2d
      within_daily: 1mo
      monthly: 12
    max_deletes: 50

- name: Take over what a script has left, once
  hybridvm.checkpoints.vm_checkpoint_policy:
    vm: web01
    keep:
      last: 3
    adopt:
      name_matches: backup_\d+
    pins:
      - golden
    max_deletes: 20
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
        - All checkpoints of the VM. First those that stay, then what is made, then what goes, oldest first.
      type: list
      elements: dict
      returned: always
      contains:
        id: {description: Identifies what an approval of this action covers., type: str, returned: always}
        action:
          description:
            - V(keep), V(create), V(delete), or V(step) for what a new checkpoint needs first, such as the collection of
              an Azure VM.
          type: str
          returned: always
        vm: {description: Name of the VM., type: str, returned: always}
        vm_id: {description: Canonical id of the VM., type: str, returned: always}
        provider: {description: "V(spf), V(scvmm) or V(compute).", type: str, returned: always}
        service: {description: Root URL of the service., type: str, returned: always}
        reason: {description: Why the action is needed., type: str, returned: always}
        rule:
          description:
            - The rule that decided. For V(create) always V(max_age). Removed by V(not_kept) or V(failed). Kept by a
              rule of O(keep), V(min_good), V(keep_failed), V(no_keep) (O(keep) is not set), V(pinned), V(pins),
              V(locked) (a management lock), V(other_vm), V(not_managed), V(other_series), V(arriving),
              V(usability_unknown), V(age_unknown), V(not_selected), V(max_deletes) or V(max_deletes_total).
          type: str
          returned: with C(create), C(keep), C(delete)
        rules:
          description: All rules of O(keep) that keep it; RV(plan.actions[].rule) is the first.
          type: list
          elements: str
          returned: with C(keep)
        checkpoint:
          description: C(name), and C(id) if it exists. The name of a new one on Azure gets a time and a nonce.
          type: dict
          returned: with C(keep), C(create), C(delete)
        step: {description: What the step does., type: str, returned: with C(step)}
        about: {description: What the step works on., type: dict, returned: with C(step)}
checkpoint:
  description:
    - The newest usable checkpoint of the series; null when there is none. In check mode, what is not known yet is null.
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
compliance:
  description:
    - Whether the VM complies with the policy. In check mode of what exists, otherwise of what the task has left.
  type: dict
  returned: for a single VM that could be looked up
  contains:
    compliant: {description: Whether nothing is wrong., type: bool, returned: always}
    violations:
      description: What is wrong.
      type: list
      elements: dict
      returned: always
      contains:
        code:
          description:
            - V(none) (no usable checkpoint of the series), V(too_few) (fewer than O(min_good)), V(stale),
              V(failed_points), V(pinned_missing), V(too_many) (more than O(thresholds.points), or more due for removal
              than O(max_deletes)), V(near_limit), or V(unreadable).
          type: str
          returned: always
        text: {description: "The same in words, with the numbers.", type: str, returned: always}
  sample:
    compliant: false
    violations:
    - code: stale
      text: the newest usable one is of 2026-11-18 02:00Z, 2d10h old; 1d2h is allowed
series:
  description: The series in numbers; null where the VM could not be read.
  type: dict
  returned: for a single VM that could be looked up
  contains:
    prefix: {description: What its names begin with., type: str, returned: always}
    points: {description: How many checkpoints the policy governs., type: int, returned: always}
    usable: {description: How many of them are known to be usable., type: int, returned: always}
    failed: {description: How many of them failed., type: int, returned: always}
    due: {description: "How many checkpoints no rule keeps, removed or not.", type: int, returned: always}
    newest:
      description: When the newest usable one was made, in UTC; null without one.
      type: str
      returned: always
    newest_age_seconds: {description: Its age; null without one., type: int, returned: always}
    all_points: {description: "How many checkpoints the VM has, whoever made them.", type: int, returned: always}
    limit: {description: How many the service allows., type: int, returned: always}
    left: {description: How many more that are., type: int, returned: always}
    depth: {description: Length of the longest chain of checkpoints., type: int, returned: always}
  sample:
    prefix: nightly
    points: 8
    usable: 8
    failed: 0
    due: 1
    newest: '2026-11-20T02:00:04Z'
    newest_age_seconds: 34196
    all_points: 10
    limit: 50
    left: 40
    depth: 10
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
      description: V(changed), V(unchanged), V(failed), V(not_started) or V(outcome_unknown).
      type: str
      returned: always
    plan: {description: As RV(plan), type: dict, returned: always}
    checkpoint: {description: As RV(checkpoint); null without one., type: dict, returned: always}
    operation: {description: As RV(operation); null without one., type: dict, returned: always}
    timing: {description: As RV(timing), type: dict, returned: always}
    duplicates: {description: As RV(duplicates), type: list, elements: dict, returned: when there are any}
    compliance: {description: As RV(compliance)., type: dict, returned: always}
    series: {description: As RV(series); null where the VM could not be read., type: dict, returned: always}
    error: {description: As RV(error); null without one., type: dict, returned: always}
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
    from ..module_utils._tasks.argument_specs import VM_CHECKPOINT_POLICY
    from ..module_utils._tasks.vm_checkpoint_policy import vm_checkpoint_policy

    return vm_checkpoint_policy, VM_CHECKPOINT_POLICY


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
