# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-playbook against a real simulator: TLS on loopback, one process each."""

from __future__ import annotations

import ast
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.simulator_server import ROOT, started
from tests.support.waiting import HANG, until

HERE = Path(__file__).resolve().parent
ACTIONS = ROOT / "tests/integration/targets/setup_simulator/action_plugins"
COLLECTION = "hybridvm.checkpoints"
MODULES = (
    "leftover_disk",
    "restore_point",
    "restore_point_collection",
    "restore_point_collection_info",
    "vm_checkpoint",
    "vm_checkpoint_info",
    "vm_checkpoint_policy",
    "vm_checkpoint_restore",
)
SCALE = 20


class Simulator:
    """A running simulator: `ready` is the ready file's content."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        trust = ssl.create_default_context(cafile=ready["ca_file"])
        self._client = httpx.Client(verify=trust, trust_env=False, timeout=HANG)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control API; its JSON, or its text."""
        answer = self._client.request(method, self.ready["control_url"] + path, json=body)
        answer.raise_for_status()
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer.text

    def vm(self, name: str) -> dict[str, Any]:
        """A VM as the world has it."""
        world = self.control("GET", "/world")
        return next(vm for service in ("spf", "scvmm") for vm in world[service]["vms"] if vm["name"] == name)

    def names(self, name: str) -> list[str]:
        """The names of a VM's checkpoints, oldest first."""
        return [point["name"] for point in self.vm(name)["checkpoints"]]

    def arm_vm(self, name: str) -> str:
        """The ARM id of a VM."""
        return str(self.vm(name)["resource_uri"])

    def azure(self, kind: str, name: str) -> str:
        """The ARM id of a Compute resource, such as ("virtualMachines", "shop01")."""
        scope = f"/subscriptions/{self.ready['subscription_id']}/resourceGroups/{self.ready['compute_resource_group']}"
        return f"{scope}/providers/Microsoft.Compute/{kind}/{name}"

    def token(self) -> str:
        """An access token for ARM, as the sign-in service gives it."""
        ready = self.ready
        form = {"grant_type": "client_credentials", "client_id": ready["client_id"], "client_secret": ready["secret"]}
        form["scope"] = "https://management.core.windows.net//.default"
        answer = self._client.post(f"{ready['authority_url']}/{ready['tenant']}/oauth2/v2.0/token", data=form)
        return str(answer.json()["access_token"])

    def get(self, path: str, headers: dict[str, str]) -> int:
        """The status of a request to the services themselves."""
        return self._client.get(self.ready["url"] + path, headers=headers).status_code

    def read_arm(self, path: str) -> Any:
        """What Azure's resource manager shows there."""
        answer = self._client.get(self.ready["arm_url"] + path, headers={"Authorization": f"Bearer {self.token()}"})
        return answer.raise_for_status().json()

    def wait_for(
        self, method: str, path: str, meant: Callable[[dict[str, Any]], bool] = lambda _entry: True
    ) -> dict[str, Any]:
        """The journal's entry of such a request, once it has come; `path` is a part of its target."""

        def came() -> list[dict[str, Any]]:
            journal = self.control("GET", "/journal")
            return [each for each in journal if each["method"] == method and path in each["target"] and meant(each)]

        return until(came, f"{method} {path} comes")[0]

    @property
    def environment(self) -> dict[str, str]:
        """Connection options for all services, as environment variables."""
        ready = self.ready
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


@contextmanager
def running_simulator(directory: Path) -> Iterator[Simulator]:
    """A simulator that ends with the block, and with this process whatever happens."""
    with started(directory, "--time-scale", str(SCALE), "--switch", "compute_point_takes=5s") as (_process, ready):
        simulator = Simulator(ready)
        try:
            yield simulator
        finally:
            simulator.close()


@dataclass
class Run:
    """What came of an ansible-playbook."""

    code: int
    stdout: str
    stderr: str
    results: list[dict[str, Any]]
    """Each with `task`, `action`, `host` and `result`, of all tasks in order."""

    def of(self, task: str) -> dict[str, Any]:
        """The only result of a task."""
        (found,) = [line["result"] for line in self.results if line["task"] == task]
        return dict(found)

    def by_module(self, module: str) -> list[dict[str, Any]]:
        """The results of a module, single ones of loops included."""
        found = [line["result"] for line in self.results if line["action"] == f"{COLLECTION}.{module}"]
        return [each for result in found for each in result.get("results", [result])]


class Ansible:
    """Runs playbooks with this checkout as the collection, linked so that it is never stale."""

    def __init__(self, directory: Path, simulator: Simulator) -> None:
        self.directory = directory
        self.simulator = simulator
        self._started: list[subprocess.Popen[str]] = []
        self.terminal = subprocess.PIPE
        """Where an ansible-playbook writes; `collect` reads nothing of it where it is a terminal."""
        self.collections = directory / "collections"
        home = self.collections / "ansible_collections" / COLLECTION.replace(".", "/")
        home.mkdir(parents=True)
        for name in ("galaxy.yml", "MANIFEST.json", "meta", "playbooks", "plugins", "roles", "simulator"):
            if (ROOT / name).exists():
                (home / name).symlink_to(ROOT / name)

    def environment(self, **more: str) -> dict[str, str]:
        """The surroundings of an ansible-playbook: none of the caller's own settings for it or for the services."""
        foreign = ("ANSIBLE_", "AZURE_", "SPF_", "HYBRIDVM_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_ACTION_PLUGINS": str(ACTIONS),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_HOME": str(self.directory / "home"),
            **more,
        }

    def start(self, plays: list[dict[str, Any]] | str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """An ansible-playbook under way, of plays or of a playbook by its name; `collect` ends it."""
        playbook, record = (self.directory / name for name in ("play.json", "record"))
        if not isinstance(plays, str):
            playbook.write_text(json.dumps(plays))
        record.unlink(missing_ok=True)
        ansible = Path(sys.executable).parent / "ansible-playbook"
        what = plays if isinstance(plays, str) else str(playbook)
        process = subprocess.Popen(
            [sys.executable, str(ansible), what, *self._facts(), *arguments],
            cwd=self.directory,
            env=self.environment(RECORD_FILE=str(record), **environment),
            stdin=subprocess.DEVNULL,
            stdout=self.terminal,
            stderr=self.terminal,
            text=True,
        )
        self._started.append(process)
        return process

    def _facts(self) -> list[str]:
        """What playbooks know of the simulator."""
        facts = self.directory / "facts.json"
        facts.write_text(json.dumps({"simulator": self.simulator.ready}))
        return ["-e", f"@{facts}"]

    def close(self) -> None:
        """End what a failed test has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def kill(self, process: subprocess.Popen[str]) -> None:
        """SIGKILL to an ansible-playbook and to all that it has started: what a machine does that goes down."""
        for pid in [process.pid, *descendants(process.pid)]:
            os.kill(pid, signal.SIGKILL)
        process.communicate()

    def collect(self, process: subprocess.Popen[str]) -> Run:
        """Wait for its end, and for that of all that it has started, which write where it does."""
        try:
            stdout, stderr = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired as hang:
            for pid in [process.pid, *descendants(process.pid)]:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"after {HANG:.0f} s it has not ended: {hang.stdout!r} {hang.stderr!r}") from None
        record = self.directory / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        return Run(process.returncode, stdout, stderr, [json.loads(line) for line in lines])

    def run(self, plays: list[dict[str, Any]] | str, *arguments: str, **environment: str) -> Run:
        """One ansible-playbook from start to end."""
        return self.collect(self.start(plays, *arguments, **environment))


def descendants(of: int) -> dict[int, str]:
    """The processes below a process, and their command lines."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    parents = {int(row[0]): int(row[1]) for row in rows}

    def ours(pid: int) -> bool:
        while pid in parents and pid != of:
            pid = parents[pid]
        return pid == of

    return {int(row[0]): row[2] for row in rows if len(row) == 3 and int(row[0]) != of and ours(int(row[0]))}


def documented(module: str, part: str) -> Any:
    """DOCUMENTATION, EXAMPLES or RETURN of a module, read as YAML."""
    tree = ast.parse((ROOT / "plugins/modules" / f"{module}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise KeyError(part)


def play(name: str, tasks: list[dict[str, Any]], environment: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A play for localhost that does not wait longer between two looks than the simulator needs."""
    patience = {"poll_interval": "200ms"}
    return {
        "name": name,
        "hosts": "localhost",
        "gather_facts": False,
        "environment": dict(environment),
        "module_defaults": {f"{COLLECTION}.{module}": patience for module in MODULES if not module.endswith("_info")},
        "tasks": tasks,
        **more,
    }


def prepare(*requests: list[Any]) -> dict[str, Any]:
    """A task that speaks to the control API."""
    return {"name": "Prepare", "simulator": {"requests": list(requests)}}
