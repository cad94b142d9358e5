# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task inside the controller returns what the module returns, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.simulator_server import ROOT

from .both_ways import both, differences, results
from .support import COLLECTION, Ansible, Simulator, play

pytestmark = pytest.mark.thorough


class OwnWorld(Ansible):
    """Integration targets start a simulator of their own: no facts of another one."""

    def _facts(self) -> list[str]:
        return []


TARGETS = ROOT / "tests/integration/targets"
NAMES = sorted(path.parent.parent.name for path in TARGETS.glob("*/tasks/main.yml") if "setup" not in str(path.parent))


def _compared(ansible: Ansible, plays: list[dict[str, Any]], *arguments: str, **environment: str) -> list[Any]:
    inside, as_modules = both(ansible, plays, *arguments, **environment)
    assert inside.code == as_modules.code, inside.stdout + as_modules.stdout
    found, expected = results(inside), results(as_modules)
    assert [task for task, _result in found] == [task for task, _result in expected]
    differing = [
        f"{task}{text}"
        for (task, ours), (_task, theirs) in zip(found, expected, strict=True)
        for text in differences(ours, theirs)
    ]
    assert not differing, "\n".join(differing)
    assert found
    return [result for _task, result in found]


@pytest.mark.parametrize("target", NAMES)
def test_an_integration_target(simulator: Simulator, tmp_path: Path, target: str) -> None:
    plays = [{"name": target, "hosts": "localhost", "gather_facts": False, "roles": [target]}]
    _compared(OwnWorld(tmp_path, simulator), plays, ANSIBLE_ROLES_PATH=str(TARGETS))


def _task(name: str, module: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, f"{COLLECTION}.{module}": options, "ignore_errors": True, **more}


def test_refusals_secrets_and_warnings(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    secret = "open sesame, or else"
    tasks = [
        _task("Unknown", "vm_checkpoint", {"vm": "web01", "name": "n", "nmae": secret, "spf_password": secret}),
        _task("Misspelt secret", "vm_checkpoint_info", {"vm": "web01", "spf_pasword": secret}),
        _task("Password in a URL", "vm_checkpoint_info", {"vm": "web01", "spf_url": f"https://u:{secret}@localhost"}),
        _task("A dictionary as a secret", "vm_checkpoint_info", {"vm": "web01", "spf_password": {"a": secret}}),
        _task("A list as a VM", "vm_checkpoint_info", {"vm": ["web01", "db01"]}),
        _task("A list as an element", "vm_checkpoint_info", {"vms": [["web01", "db01"]]}),
        _task("A number as suboptions", "vm_checkpoint_policy", {"vm": "web01", "keep": 7}),
        _task("Misspelt suboption", "vm_checkpoint_policy", {"vm": "web01", "keep": {"dayly": 7}}),
        _task("Unanswered", "vm_checkpoint_restore", {"vm": "web01", "checkpoint_id": "", "name": ""}),
        _task("Wrong type", "vm_checkpoint", {"vm": "web01", "name": "n", "concurrency": "many"}),
        _task("Wrong choice", "vm_checkpoint", {"vm": "web01", "name": "n", "state": "perfect"}),
        _task("Missing", "restore_point", {"name": "n"}),
        _task("Exclusive", "vm_checkpoint", {"vm": "web01", "vms": ["web01"], "name": "n"}),
        _task("Nested", "restore_point", {"name": "n", "collection": "c", "encryption_sets": [{"disk": "d"}]}),
        _task("Refused by the core", "vm_checkpoint", {"vm": "web01", "name": "n", "max_age": "soon"}),
        _task("A number for a text", "vm_checkpoint", {"vm": "web01", "name": 4711}, check_mode=True),
        _task("Nothing to do", "vm_checkpoint", {"vms": [], "name": "n"}),
        _task("Warned", "vm_checkpoint_info", {"vm": "web01", "validate_certs": False}),
        _task("Echoed", "vm_checkpoint_info", {"vm": f"no {secret}", "spf_password": secret}),
        _task("Elsewhere", "vm_checkpoint_info", {"vm": "web01", "ca_path": "ca.pem"}),
        _task("Hidden", "vm_checkpoint_info", {"vm": "web01"}, no_log=True),
        _task("With a difference", "vm_checkpoint", {"vm": "web01", "name": "n"}, check_mode=True, diff=True),
        _task("Looped", "vm_checkpoint_info", {"vm": "{{ item }}"}, loop=["web01", "db01", "nobody"]),
        _task("Until", "vm_checkpoint_info", {"vm": "nobody"}, until="false", retries=1, delay=0),
    ]
    found = _compared(ansible, [play("Both", tasks, simulator.environment)])
    assert len(found) == len(tasks) + 1  # an attempt of the last one counts as one more
    assert secret not in str(found)
