# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded changes of a VM of each service: the hosts, a change that breaks the guest, and what is there afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.waiting import until

from .support import COLLECTION, Ansible, Run, Simulator

ALL = ("web01", "app01", "shop01")
BROKEN = "nothing works any more\n"
FILES = {"spf": "/etc/app.conf", "scvmm": "/etc/app.conf", "compute": "/etc/shop.conf"}
WITHOUT_ID = "See that the checkpoint can be named"
# Every address of this network is refused at once: nothing listens on port 1.
GONE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


class Site:
    """The hosts, and the files of a playbook that changes them under guard."""

    def __init__(self, ansible: Ansible, simulator: Simulator, directory: Path) -> None:
        self.ansible, self.simulator, self.directory = ansible, simulator, directory
        self.services = {vm["name"]: vm["service"] for vm in simulator.ready["vms"]}
        self.vms = {vm["name"]: vm["vm"] for vm in simulator.ready["vms"]}
        self.break_it = {
            "name": "Break the guest",
            "ansible.builtin.uri": {
                "url": "{{ guest_url }}",
                "method": "PUT",
                "body": BROKEN,
                "ca_path": simulator.ready["ca_file"],
                "status_code": 204,
            },
        }

    def file(self, name: str, *tasks: dict[str, Any]) -> str:
        """A tasks file; its path, relative to the playbook."""
        (self.ansible.directory / name).write_text(json.dumps(list(tasks)))
        return name

    def guest(self, name: str) -> str:
        """The file that the change breaks."""
        service = self.services[name]
        path = f"/guest/{service}/{name}?path={FILES[service]}"
        return str(self.simulator.control("GET", path))

    def points(self, name: str) -> list[str]:
        """The names of a VM's checkpoints."""
        if self.services[name] != "compute":
            return self.simulator.names(name)
        collections = self.simulator.control("GET", "/world")["compute"]["collections"]
        ours = [each for each in collections if str(each["source"]).lower().endswith(f"/{name}")]
        return [point["name"] for each in ours for point in each["points"]]

    def start(
        self, *hosts: str, play: dict[str, Any] | None = None, arguments: tuple[str, ...] = (), **role: Any
    ) -> subprocess.Popen[str]:
        """A run under way; what a host has under `of` is its own."""
        own: dict[str, dict[str, Any]] = role.pop("of", {})
        inventory = {name: {**self.facts(name), **own.get(name, {})} for name in hosts}
        file = self.directory / "inventory.json"
        file.write_text(json.dumps({"all": {"hosts": inventory}}))
        given = {"guarded_change_tasks": "change.yml", "guarded_change_usable_delay": 1, **role}
        tasks = [
            {"name": "Guard", "ansible.builtin.include_role": {"name": f"{COLLECTION}.guarded_change"}, "vars": given},
            {"name": "End", "ansible.builtin.debug": {"var": "guarded_change_result"}},
        ]
        defaults = {f"group/{COLLECTION}.all": {"poll_interval": "200ms"}}
        whole = {"name": "Change", "hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
        return self.ansible.start(
            [{**whole, **(play or {})}], "-i", str(file), *arguments, **self.simulator.environment
        )

    def run(self, *hosts: str, **role: Any) -> Run:
        """A run from start to end."""
        return self.ansible.collect(self.start(*hosts, **role))

    def kill_when_all_wait(self, process: subprocess.Popen[str], *files: Path) -> None:
        """SIGKILL to it and all that it has started, once each host has come as far as its file says."""
        until(lambda: process.poll() is not None or all(file.exists() for file in files), "every host waits")
        assert process.poll() is None, self.ansible.collect(process).stdout
        self.ansible.kill(process)

    def wait(self, name: str) -> dict[str, Any]:
        """A task that says that it was reached, and then takes for ever."""
        script = f"touch {self.directory}/{name}-{{{{ inventory_hostname }}}}; exec sleep 3000"
        return {"name": "Wait", "ansible.builtin.command": {"argv": ["sh", "-c", script]}}

    def facts(self, name: str) -> dict[str, Any]:
        """What the inventory says of a host."""
        service = self.services[name]
        control = str(self.simulator.ready["control_url"]).rstrip("/")
        return {
            "guarded_change_vm": self.vms[name],
            "guest_url": f"{control}/guest/{service}/{name}?path={FILES[service]}",
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }


def outcomes(run: Run) -> dict[str, str]:
    """What became of the change on each host that did not fail."""
    ended = [line for line in run.results if line["task"] == "End"]
    return {line["host"]: line["result"]["guarded_change_result"]["outcome"] for line in ended}


def messages(run: Run) -> dict[str, str]:
    """The last words of each host that failed."""
    last = ("Fail with the original error", "Leave it to the operator", "Say that it was not restored", WITHOUT_ID)
    return {line["host"]: line["result"]["msg"] for line in run.results if _name(line) in last}


def _name(line: dict[str, Any]) -> str:
    return str(line["task"]).rpartition(" : ")[2]
