# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one task costs beside `ansible.builtin.ping`, inside the controller and as a module, and where that time goes.

All of it in one play, in turn, against the simulator on loopback over TLS: `vm_checkpoint` finds its checkpoint there
and changes nothing. The first round is thrown away.
"""

from __future__ import annotations

import functools
import json
import re
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.simulator_server import started

from . import user_environment
from .registry import figure

ROUNDS = 9
MODULE = {"hybridvm_checkpoints_in_process": False}
SERVICES = ("SPF", "Arc", "Azure")
GROUPS = (
    ("hybridvm.checkpoints", ("ansible_collections",)),
    ("ansible.module_utils", ("ansible",)),
    ("httpx, httpcore, h11, anyio", ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "sniffio")),
    ("pydantic", ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection")),
)
"""Whose files a module loads; all others are Python's own."""


@figure("task_in_process_vs_ping", "a task inside the controller / ping (SPF)", 0.4)
def task_in_process_vs_ping() -> list[float]:
    """The ratio in each round."""
    return ratios("SPF inside")


@figure("task_as_module_vs_ping", "a task as a module / ping (SPF)", 2.0)
def task_as_module_vs_ping() -> list[float]:
    """The ratio in each round."""
    return ratios("SPF module")


def ratios(task: str) -> list[float]:
    """How long the task took beside the ping of its round."""
    times = play_times()
    return [ours / ping for ours, ping in zip(times[task], times["ping"], strict=True)]


@functools.cache
def play_times() -> dict[str, list[float]]:
    """Seconds of each kind of task, round by round."""
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as (_process, ready):
        times = timed(Path(directory), ready, list(round_of(ready)) * (ROUNDS + 1))
    return {task: seconds[1:] for task, seconds in times.items()}


def timed(directory: Path, ready: dict[str, Any], tasks: list[dict[str, Any]]) -> dict[str, list[float]]:
    """The tasks in one play: the seconds of each, by its name."""
    run_play(directory, ready, tasks)
    times = defaultdict(list)
    for line in (directory / "times").read_text().splitlines():
        entry = json.loads(line)
        times[entry["task"]].append(entry["seconds"])
    return times


def round_of(ready: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One round: a ping, an action that does nothing, then a task of each service both ways."""
    yield {"name": "ping", "ansible.builtin.ping": {}}
    yield {"name": "debug", "ansible.builtin.debug": {"msg": "what a worker costs by itself"}}
    azure = f"/subscriptions/{ready['subscription_id']}/resourceGroups/{ready['compute_resource_group']}/providers"
    arc = f"/subscriptions/{ready['subscription_id']}/resourceGroups/{ready['resource_group']}/providers"
    vms = (
        "web01",
        f"{arc}/Microsoft.HybridCompute/machines/app01",
        f"{azure}/Microsoft.Compute/virtualMachines/shop01",
    )
    for service, vm in zip(SERVICES, vms, strict=True):
        for way, variables in (("inside", {}), ("module", MODULE)):
            task = {"name": f"{service} {way}", "vars": variables, "check_mode": True}
            yield {**task, "hybridvm.checkpoints.vm_checkpoint": {"vm": vm, "name": "baseline"}}


def run_play(
    directory: Path, ready: dict[str, Any], tasks: list[dict[str, Any]], python: Path | None = None, **more: str
) -> str:
    """The tasks in one play on localhost; what ansible-playbook printed. `python` has it, by default a user's."""
    play = {"hosts": "localhost", "gather_facts": False, "environment": variables_of(ready), "tasks": tasks}
    (directory / "play.json").write_text(json.dumps([play]))
    ansible = (python or user_environment.python()).parent / "ansible-playbook"
    done = subprocess.run(
        [str(ansible), str(directory / "play.json")],
        env=user_environment.environment(STOPWATCH_FILE=str(directory / "times"), **more),
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout


def variables_of(ready: dict[str, Any]) -> dict[str, str]:
    """The connection options of all services."""
    return {
        "SPF_URL": ready["spf_url"],
        "SPF_USERNAME": ready["spf_username"],
        "SPF_PASSWORD": ready["spf_password"],
        "AZURE_CLOUD_ENVIRONMENT": ready["arm_url"],
        "AZURE_SUBSCRIPTION_ID": ready["subscription_id"],
        "AZURE_TENANT": ready["tenant"],
        "AZURE_CLIENT_ID": ready["client_id"],
        "AZURE_SECRET": ready["secret"],
        "HYBRIDVM_CA_PATH": ready["ca_file"],
    }


def explain() -> list[str]:
    """Where the time of a task goes, in milliseconds."""
    if not play_times.cache_info().currsize:
        return []
    times = play_times()
    lines = [f"{'one task, median of ' + str(ROUNDS) + ' in one play':<44} {'ms':>6} {'x ping':>7}"]
    for task, seconds in times.items():
        ratio = "" if task == "ping" else f"{statistics.median(ratios(task)):>7.2f}"
        lines.append(f"{task:<44} {statistics.median(seconds) * 1000:>6.0f} {ratio}")
    lines += ["", f"{'a module of SPF by itself':<44} {'ms':>6} {'files':>7}"]
    return lines + [f"{name:<44} {ms:>6.0f} {files or '':>7}" for name, ms, files in module_profile()]


def module_profile() -> list[tuple[str, float, int]]:
    """What a module's process spends, by whose files it loads; medians of five, as python -X importtime measures it."""
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as (_process, ready):
        place = Path(directory)
        task = next(each for each in round_of(ready) if each["name"] == "SPF module")
        keep = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(place / "kept")}
        run_play(place, ready, [task], None, **keep)
        (module,) = place.glob("kept/*/AnsiballZ_vm_checkpoint.py")
        command = [str(user_environment.python()), "-X", "importtime", str(module)]
        for _each in range(5):
            done = subprocess.run(
                command,
                env=user_environment.environment(**variables_of(ready)),
                capture_output=True,
                text=True,
                check=True,
            )
            for name, entry in by_owner(done.stderr).items():
                found[name].append(entry)
    medians = [
        (f"importing {name}", statistics.median(ms for ms, _files in entries), entries[0][1])
        for name, entries in found.items()
    ]
    return sorted(medians, key=lambda row: -row[1])


def by_owner(importtime: str) -> dict[str, tuple[float, int]]:
    """Milliseconds and number of files for each owner, from what -X importtime prints."""
    owners = {top: name for name, tops in GROUPS for top in tops}
    found: dict[str, tuple[float, int]] = {}
    for self_us, module in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", importtime, re.MULTILINE):
        name = owners.get(module.partition(".")[0], "Python's own")
        ms, files = found.get(name, (0.0, 0))
        found[name] = (ms + int(self_us) / 1000, files + 1)
    return found
