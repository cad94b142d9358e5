# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks inside the controller: which go there, what surrounds them, and what they do when they are stopped."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from .both_ways import masked, modules_run
from .support import COLLECTION, Ansible, Run, Simulator, play

HOURS = 10 * 3600  # of simulated time: nothing that takes so long ends before the clock is put forward
INFO = f"{COLLECTION}.vm_checkpoint_info"


def _info(name: str, vm: str = "web01", **more: Any) -> dict[str, Any]:
    return {"name": name, INFO: {"vm": vm}, **more}


def _ways(run: Run) -> dict[str, str]:
    """Each task, and why it was a module; empty where it was none (with -vvv)."""
    found: dict[str, str] = {}
    task = ""
    for line in run.stdout.splitlines():
        if line.startswith("TASK ["):
            task = line.partition("[")[2].partition("]")[0]
            found[task] = ""
        elif line.startswith("runs as a module: "):
            found[task] = line.partition(": ")[2]
    return found


def test_which_tasks_run_there(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    other = tmp_path / "python3"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    tasks = [
        _info("Usual"),
        _info("Delegated", delegate_to="localhost"),
        _info("Automatic", vars={"ansible_python_interpreter": "auto_silent"}),
        _info("Own", vars={"ansible_python_interpreter": "{{ ansible_playbook_python }}"}),
        _info("Other", vars={"ansible_python_interpreter": str(other)}),
        _info("Opted out", vars={"hybridvm_checkpoints_in_process": "{{ 1 > 2 }}"}),
        _info("Opted out by environment", environment={"HYBRIDVM_CHECKPOINTS_IN_PROCESS": "no"}),
        _info("Path", environment={"PYTHONWARNINGS": "default"}),
    ]
    run = ansible.run([play("Where", tasks, simulator.environment)], "-vvv")
    assert run.code == 0, run.stdout + run.stderr
    ways = _ways(run)
    inside = ("Usual", "Delegated", "Automatic", "Own")
    assert {task for task, why in ways.items() if not why} == set(inside)
    assert ways["Other"].startswith(f"ansible_python_interpreter is {other}, not the controller's")
    assert ways["Opted out"] == ways["Opted out by environment"] == "hybridvm_checkpoints_in_process is false"
    assert ways["Path"].startswith("environment sets PYTHONWARNINGS")
    assert modules_run(run) == len(tasks) - len(inside)
    assert len({str(masked(line["result"]["checkpoints"])) for line in run.results}) == 1


def test_a_switch_that_is_no_boolean(simulator: Simulator, ansible: Ansible) -> None:
    task = _info("Odd", vars={"hybridvm_checkpoints_in_process": "perhaps"})
    run = ansible.run([play("Odd", [task], simulator.environment)])
    assert "hybridvm_checkpoints_in_process: 'perhaps' is neither true nor false" in run.of("Odd")["msg"]


@pytest.mark.thorough
def test_each_item_of_a_loop_has_an_environment_of_its_own(simulator: Simulator, ansible: Ansible) -> None:
    without = {name: value for name, value in simulator.environment.items() if name != "SPF_PASSWORD"}
    task = _info(
        "Looped",
        loop=[{"SPF_PASSWORD": simulator.ready["spf_password"]}, {}],
        environment="{{ item }}",
        ignore_errors=True,
    )
    first, second = ansible.run([play("Loop", [task], without)]).by_module("vm_checkpoint_info")
    assert first["checkpoints"]
    assert second["error"]["code"] == "invalid_input", "the second item must not sign in with the first one's password"


def test_a_token_goes_to_no_other_task_but_through_the_cache(
    simulator: Simulator, ansible: Ansible, tmp_path: Path
) -> None:
    def tokens(**more: Any) -> int:
        simulator.control("DELETE", "/journal")
        vm = simulator.arm_vm("app01")
        tasks = [
            {"name": "First", INFO: {"vm": vm, **more}},
            {"name": "Second", INFO: {"vm": vm, **more}},
            {"name": "Looped", INFO: {"vm": "{{ item }}", **more}, "loop": [vm, vm]},
        ]
        environment = {**simulator.environment, "XDG_CACHE_HOME": str(tmp_path)}
        run = ansible.run([play("Tokens", tasks, environment)], "-vvv")
        assert (run.code, modules_run(run)) == (0, 0), run.stdout + run.stderr
        journal = simulator.control("GET", "/journal")
        return sum(entry["target"].endswith("/oauth2/v2.0/token") for entry in journal)

    assert tokens() == 4
    assert tokens(token_cache=True) == 1
    assert tokens(token_cache=True) == 0


def test_progress_is_shown_with_v_and_not_of_secret_tasks(simulator: Simulator, ansible: Ansible) -> None:
    def task(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": name}, **more}

    plays = [play("Progress", [task("seen"), task("secret", no_log=True)], simulator.environment)]
    simulator.control("POST", "/switches", {"create_takes": "60s"})  # 3 s of real time
    run = ansible.run(plays, "-v")
    shown = [line for line in run.stdout.splitlines() if line.startswith("vm web01: ")]
    assert shown[0].startswith('vm web01: creating checkpoint "seen": ')
    assert " s [job " in shown[0]
    assert "secret" not in "".join(shown)
    assert not any(character in "".join(shown) for character in "\r\033")
    simulator.control("POST", "/reset")
    quiet = ansible.run(plays)
    assert not [line for line in quiet.stdout.splitlines() if line.startswith("vm web01: ")]


@pytest.mark.thorough
def test_the_callback_draws_rows_on_a_terminal_and_lines_elsewhere(
    simulator: Simulator, ansible: Ansible, monkeypatch: pytest.MonkeyPatch
) -> None:
    def task(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": name}, **more}

    plays = [play("Progress", [task("seen"), task("secret", no_log=True)], simulator.environment)]
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": f"record,{COLLECTION}.progress"}
    simulator.control("POST", "/switches", {"create_takes": "60s"})  # 3 s of real time
    row = 'vm web01: creating checkpoint "seen": '

    run = ansible.run(plays, **enabled)
    assert run.code == 0, run.stdout + run.stderr
    shown = [line for line in run.stdout.splitlines() if line.startswith("vm web01: ")]
    assert shown[0].startswith(row)
    assert 'checkpoint "secret"' not in run.stdout
    simulator.control("POST", "/reset")
    simulator.control("POST", "/switches", {"create_takes": "60s"})

    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    monkeypatch.setattr(ansible, "terminal", slave)  # one Ansible runs many tests
    process = ansible.start(plays, "-v", TERM="xterm", **enabled)
    os.close(slave)
    parts = []
    with contextlib.suppress(OSError):  # that is how the end of a terminal reads on Linux
        while part := os.read(master, 4096):
            parts.append(part)
    os.close(master)
    run = ansible.collect(process)
    text = b"".join(parts).decode()
    assert run.code == 0, text
    assert text.count(row) > 2, "one for each look that brings news"
    assert f"\n{row}" in text
    assert f"\r\033[J{row}" in text, "rewritten in place"
    assert 'checkpoint "secret"' not in text
    final = re.sub(r"[^\n]*\r\033\[J", "", text)
    assert "vm web01: " not in final, "nothing is left of the rows"
    assert "changed: [localhost]" in final


@pytest.mark.parametrize("asked", [{}, {"wait_timeout": "10m"}], ids=["by default", "as asked for"])
def test_the_timeout_of_a_task_leaves_what_is_known(
    simulator: Simulator, ansible: Ansible, asked: dict[str, str]
) -> None:
    simulator.control("POST", "/switches", {"create_takes": f"{HOURS}s"})
    options = {"vm": "web01", "name": "slow", **asked}
    task = {"name": "Create", f"{COLLECTION}.vm_checkpoint": options, "timeout": 8}
    run = ansible.run([play("Timeout", [task], simulator.environment)])
    result = run.of("Create")
    assert (run.code, result["changed"]) == (2, True)
    assert result["error"]["code"] in ("timed_out", "interrupted")  # a slow machine meets the timeout itself
    assert result["error"]["operation"]["id"] == result["operation"]["id"]
    if asked or result["error"]["code"] == "timed_out":
        assert "the task's timeout is 8s: it ends after 6s." in str(result["warnings"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_playbook_tells_what_it_has_started_and_its_rerun_joins_it(
    simulator: Simulator, ansible: Ansible, number: signal.Signals
) -> None:
    simulator.control("POST", "/switches", {"create_takes": f"{HOURS}s"})
    simulator.control("DELETE", "/journal")
    task = {"name": "Create", f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": "interrupted"}}
    plays = [play("Interrupted", [task, _info("Never")], simulator.environment)]
    process = ansible.start(plays, "-v")
    for _look in range(2):  # the create was accepted, and what the first look saw is shown
        simulator.wait_for("GET", "/Jobs")
        simulator.control("DELETE", "/journal")
    process.send_signal(number)
    run = ansible.collect(process)
    assert run.code == (99 if number == signal.SIGINT else -number), run.stdout + run.stderr
    assert run.results == []
    assert '"interrupted": 0 %, 0 s [job ' in run.stdout
    if number == signal.SIGINT:  # the controller itself dies of the other one
        assert f'[{COLLECTION}.vm_checkpoint] vm web01: creating checkpoint "interrupted" was accepted' in run.stderr
        assert "[job " in run.stderr
        assert "Run the task again" in run.stderr

    again = ansible.start(plays)
    simulator.control("DELETE", "/journal")
    simulator.wait_for("GET", "/Jobs")
    simulator.control("POST", "/clock", {"advance": HOURS})
    run = ansible.collect(again)
    assert run.code == 0, run.stdout + run.stderr
    assert not run.of("Create")["changed"]
    assert simulator.names("web01") == ["baseline", "interrupted"]
