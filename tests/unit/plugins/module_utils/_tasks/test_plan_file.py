# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file between plan.yml and apply.yml holds what was approved, all of it, and no secret."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import checksum, digest_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import argument_specs
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.plan_file import (
    MODULES,
    SECRETS,
    approved_tasks,
    planned_tasks,
    to_text,
)

PLAN = {"version": 1, "digest": digest_of([], None), "checksum": checksum([]), "actions": []}
TASK = {"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}
NAMED = {**TASK, "module": "hybridvm.checkpoints.vm_checkpoint"}
NOW = "2026-11-20T11:30:00Z"


def text(*tasks: dict[str, Any]) -> str:
    return to_text(list(tasks), [{"plan": PLAN, "changed": True} for _task in tasks], NOW)


def altered(change: Any) -> str:
    """The file with something changed, and a checksum that fits: whoever can write one can compute the other."""
    content = json.loads(text(TASK))
    change(content)
    del content["checksum"]
    return json.dumps({**content, "checksum": checksum(content)})


def test_what_is_written_is_read() -> None:
    restore = {"module": "vm_checkpoint_restore", "options": {"vm": "web01", "name": "n", "restore_key": "4711"}}
    found = approved_tasks(text(TASK, restore))
    assert found[0] == {**NAMED, "plan": PLAN}
    assert [each["module"].rpartition(".")[2] for each in found] == ["vm_checkpoint", "vm_checkpoint_restore"]
    content = json.loads(text(TASK))
    assert (content["version"], content["created"]) == (1, NOW)
    assert set(content) == {"format", "version", "created", "tasks", "checksum"}


def test_the_whole_file() -> None:
    assert (
        text({"module": "vm_checkpoint", "options": {"vm": "web01", "name": "{{ n }}"}})
        == """{
  "format": "hybridvm.checkpoints plan file",
  "version": 1,
  "created": "2026-11-20T11:30:00Z",
  "tasks": [
    {
      "module": "hybridvm.checkpoints.vm_checkpoint",
      "options": {
        "vm": "web01",
        "name": "{\\u007b n }}"
      },
      "plan": {
        "version": 1,
        "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "checksum": "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
        "actions": []
      }
    }
  ],
  "checksum": "sha256:793be3dac6e9973af958a98b8d7e3b1cf641da17c9d1f902b9e7aef2032dc71f"
}
"""
    )


def test_what_is_a_secret() -> None:
    assert {
        *("spf_password", "spf_token", "spf_client_cert_password"),
        *("secret", "access_token", "x509_certificate_password"),
    } == SECRETS


def test_a_template_may_give_tuples() -> None:
    assert planned_tasks((TASK,)) == [NAMED]
    assert to_text((TASK,), ({"plan": PLAN, "changed": True},), NOW) == text(TASK)


def test_only_the_approved_file_passes() -> None:
    one, other = text(TASK), text(TASK, TASK)
    name = json.loads(one)["checksum"]
    assert approved_tasks(one, name)
    with pytest.raises(InvalidInput, match="another file than the one that was approved: its checksum is sha256:"):
        approved_tasks(other, name)


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_an_empty_checksum_opens_nothing(empty: object) -> None:
    """A pipeline's variable that was never set is one."""
    with pytest.raises(InvalidInput, match="plan_checksum: is empty") as caught:
        approved_tasks(text(TASK), empty)
    assert "leave plan_checksum out" in caught.value.remedy
    assert approved_tasks(text(TASK))


def test_a_file_that_was_edited_is_refused() -> None:
    for before, after in (("web01", "web02"), (NOW, "2027-11-20T11:30:00Z"), ('"n"', '"m"')):
        assert before in text(TASK)
        with pytest.raises(InvalidInput, match="was altered since it was written"):
            approved_tasks(text(TASK).replace(before, after))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda content: content["tasks"][0].update(module="ansible.builtin.command"), "module takes one of"),
        (lambda content: content["tasks"][0].update(when="yes"), "takes module and options"),
        (lambda content: content["tasks"][0]["options"].update(spf_password="x"), "spf_password is a secret"),
        (lambda content: content["tasks"][0]["options"].update(require_approval=False), "set by the playbooks"),
        (lambda content: content["tasks"][0].pop("plan"), r"tasks\[0\]\.plan: is no plan of version 1"),
        (lambda content: content["tasks"][0].update(plan={"version": 2}), "is no plan of version 1"),
        (lambda content: content["tasks"][0]["plan"].update(group={"order": "given"}), r"\.plan: was altered since it"),
        (lambda content: content.update(tasks=[1]), "holds no tasks"),
        (lambda content: content.update(tasks={}), "holds no tasks"),
        (lambda content: content.update(tasks=[]), "is no list of tasks"),
        (lambda content: content.update(version=2), "is no plan file of version 1"),
        (lambda content: content.update(format="x"), "is no plan file of version 1"),
    ],
)
def test_a_file_that_fits_its_checksum_is_checked_like_any_input(change: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        approved_tasks(altered(change))


@pytest.mark.parametrize("broken", ["", "{", "[]", "null", "[" * 100_000])
def test_what_is_no_such_file(broken: str) -> None:
    with pytest.raises(InvalidInput, match="plan_file: is no"):
        approved_tasks(broken)


@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_no_secret_goes_in(secret: str) -> None:
    with pytest.raises(InvalidInput, match=f"{secret} is a secret") as caught:
        text({"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n", secret: "hunter2"}})
    assert "hunter2" not in str(caught.value)
    assert "plan_connection" in caught.value.remedy


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ({}, "takes module and options"),
        ("vm_checkpoint", "takes module and options"),
        ({"module": "vm_checkpoint"}, "takes module and options"),
        ({"module": "vm_checkpoint", "options": []}, "takes module and options"),
        ({"module": "vm_checkpoint_info", "options": {}}, "module takes one of leftover_disk, restore_point,"),
        ({"module": "../x", "options": {}}, "module takes one of"),
        ({"module": "other.coll.vm_checkpoint", "options": {}}, "module takes one of"),
        ({"module": "vm_checkpoint", "options": {"expected_plan": "x"}}, "expected_plan is set by the playbooks"),
        ({"module": "vm_checkpoint_restore", "options": {"vm": "a", "name": "n"}}, "a restore needs restore_key"),
        ({"module": "vm_checkpoint_restore", "options": {"restore_key": ""}}, "a restore needs restore_key"),
    ],
)
def test_a_task_that_cannot_be_planned_is_named(task: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=rf"plan_tasks\[1\]: .*{why}|plan_tasks\[1\]: {why}"):
        planned_tasks([TASK, task])


@pytest.mark.parametrize("nothing", [None, [], {}, "", "vm_checkpoint", 1])
def test_no_tasks_are_no_plan(nothing: object) -> None:
    with pytest.raises(InvalidInput, match="plan_tasks: is no list of tasks"):
        planned_tasks(nothing)


@pytest.mark.parametrize("results", [None, [], [{"plan": PLAN}] * 2, [{}], [{"plan": None}]])
def test_every_task_needs_its_plan(results: Any) -> None:
    with pytest.raises(InvalidInput, match="each task needs the result of its run in check mode"):
        to_text([TASK], results, NOW)


def test_one_task_without_its_plan_refuses_all() -> None:
    with pytest.raises(InvalidInput, match="each task needs the result of its run in check mode"):
        to_text([TASK, TASK], [{"plan": PLAN}, {"plan": None}], NOW)
    with pytest.raises(InvalidInput, match="plan_file: holds no tasks"):
        approved_tasks(altered(lambda content: content["tasks"].append("x")))


def test_every_module_that_changes_something_can_be_planned_and_no_other() -> None:
    specs = {name.lower(): spec for name, spec in vars(argument_specs).items() if name.isupper()}
    modules = {name: spec["argument_spec"] for name, spec in specs.items() if "argument_spec" in spec}
    changing = {name for name, spec in modules.items() if "expected_plan" in spec}
    assert changing <= set(MODULES)
    assert set(MODULES) - changing <= {"vm_checkpoint_policy"}


def test_nothing_in_the_file_looks_like_a_template() -> None:
    name = "{{ 7 * 7 }} {% x %} {# y #}"
    task = {"module": "vm_checkpoint", "options": {"vm": "web01", "name": name, "empty": {}}}
    made = text(task)
    assert not any(mark in made for mark in ("{{", "{%", "{#"))
    assert approved_tasks(made)[0]["options"]["name"] == name


def test_what_was_given_is_not_touched() -> None:
    given = [copy.deepcopy(TASK)]
    planned_tasks(given)
    assert given == [TASK]
