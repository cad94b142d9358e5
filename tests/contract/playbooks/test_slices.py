# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One playbook in four slices at once, as AWX and Automation Platform run it, on services that throttle.

Slicing is theirs (docs.ansible.com/automation-controller: job slicing; awx/main/models/inventory.py): the inventory's
hosts by name, every fourth one in a slice, each slice an ansible-runner with an inventory of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import started
from tests.support.waiting import HANG

from .inventories import Listed, list_hosts, source
from .support import COLLECTION, Ansible, Simulator

pytestmark = pytest.mark.thorough

SLICES = 4
OTHER = "somebody-else"
SWITCHES = ("create_takes=1s", "compute_point_takes=2s", "compute_vm_takes=1s")
WORLD = {
    "spf": {"vms": [{"name": f"spf{number}"} for number in range(4)]},
    "scvmm": {"vms": [{"name": f"arc{number}"} for number in range(8)]},
    "compute": {"vms": [{"name": f"azure{number}"} for number in range(4)]},
}
PLAYBOOK = [
    {
        "name": "Nightly",
        "hosts": "no_fresh_checkpoint",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Have a checkpoint of each",
                f"{COLLECTION}.vm_checkpoint": {
                    "vms": "{{ ansible_play_hosts | map('extract', hostvars, 'checkpoint_vm') }}",
                    "name": "nightly",
                    "max_age": "24h",
                },
                "run_once": True,
                "delegate_to": "localhost",
            }
        ],
    }
]


@dataclass(frozen=True)
class Slice:
    """A slice's hosts, and its private data directory, which holds an inventory of them alone."""

    hosts: list[str]
    directory: Path


@pytest.fixture
def own_simulator(tmp_path: Path) -> Iterator[Simulator]:
    """One that runs as fast as time: Retry-After is in its seconds."""
    switches = [argument for switch in SWITCHES for argument in ("--switch", switch)]
    with started(tmp_path, *switches) as (_process, ready):
        simulator = Simulator(ready)
        simulator.control("POST", "/world", WORLD)
        yield simulator
        simulator.close()


def _slice(number: int, listed: Listed, ansible: Ansible, directory: Path) -> Slice:
    """The hosts, variables and groups of one slice, handed over by a script that prints them, as AWX does."""
    hosts = listed.hosts[number::SLICES]
    groups = {
        name: {"hosts": [host for host in group["hosts"] if host in hosts]}
        for name, group in listed.document.items()
        if "hosts" in group
    }
    kept = {host: listed.document["_meta"]["hostvars"][host] for host in hosts}
    document = {"_meta": {"hostvars": kept}, "all": {"children": list(groups)}, **groups}
    for part in ("env", "inventory", "project"):
        (directory / part).mkdir(parents=True)
    script = directory / "inventory" / "hosts"
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(document)!r})\n")
    script.chmod(0o700)
    (directory / "project/nightly.yml").write_text(yaml.safe_dump(PLAYBOOK))
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(ansible.collections),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_HOME": str(directory / "home"),
        **ansible.simulator.environment,
    }
    (directory / "env/envvars").write_text(yaml.safe_dump(environment))
    return Slice(hosts, directory)


def _empty_the_bucket(simulator: Simulator, token: str) -> None:
    """Somebody else uses it up."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": OTHER}
    path = (
        f"{simulator.arm_vm('arc0')}/providers/Microsoft.ScVmm/virtualMachineInstances/default?api-version=2024-06-01"
    )
    while simulator.get(path, headers) != 429:
        pass


def _of_slices(simulator: Simulator) -> list[dict[str, Any]]:
    """The journal, without what somebody else has asked for."""
    return [each for each in simulator.control("GET", "/journal") if each["headers"].get("user-agent") != OTHER]


def _refused(journal: list[dict[str, Any]]) -> set[str]:
    """The tokens, one of each slice, that have met an empty bucket."""
    return {entry["headers"]["authorization"] for entry in journal if entry["status"] == 429}


def _run_at_once(slices: list[Slice], simulator: Simulator) -> list[dict[str, Any]]:
    """The results of the task, slice by slice. The bucket is kept empty until each of them has met that."""
    command = ["ansible-runner", "run", "--quiet", "-p", "nightly.yml"]
    runs = [
        subprocess.Popen([*command, str(each.directory)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for each in slices
    ]
    token = simulator.token()
    while len(_refused(_of_slices(simulator))) < SLICES and any(run.poll() is None for run in runs):
        _empty_the_bucket(simulator, token)
    outputs = [run.communicate(timeout=HANG)[0] for run in runs]
    results = []
    for each, run, text in zip(slices, runs, outputs, strict=True):
        events = sorted(each.directory.glob("artifacts/*/job_events/*.json"))
        kept = [json.loads(event.read_text()) for event in events]
        stdout = "\n".join(event["stdout"] for event in kept)
        assert run.returncode == 0, text + stdout
        (result,) = [event["event_data"]["res"] for event in kept if event["event"] == "runner_on_ok"]
        results.append(result)
    return results


def test_slices_share_services_and_throttling_but_no_vm(
    own_simulator: Simulator, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if shutil.which("ansible-runner") is None:
        pytest.skip("ansible-runner is not there: it is in requirements-tools.txt, which make installs")
    simulator = own_simulator
    ansible = Ansible(tmp_path_factory.mktemp("ansible"), simulator)
    listed = list_hosts(ansible, source(tmp_path, services=["spf", "scvmm", "compute"]))
    assert (listed.code, len(listed.hosts)) == (0, 16), listed.messages
    slices = [_slice(number, listed, ansible, tmp_path / f"slice{number}") for number in range(SLICES)]
    simulator.control("POST", "/switches", {"arm_buckets": 0.2})
    simulator.control("DELETE", "/journal")
    results = _run_at_once(slices, simulator)
    # Each slice has done its own VMs, and no other.
    named = {listed.vars(host)["checkpoint_vm"]: host for host in listed.hosts}
    assert [sorted(named[vm["vm"]] for vm in result["vms"]) for result in results] == [each.hosts for each in slices]
    assert {vm["status"] for result in results for vm in result["vms"]} == {"changed"}
    journal = _of_slices(simulator)
    _every_write_is_of_the_vms_own_slice(journal, slices)
    _every_slice_has_waited(journal)
    # Every VM has one checkpoint, and one alone.
    assert all(len(simulator.names(host)) == 1 for host in listed.hosts if not host.startswith("azure"))
    points = [collection["points"] for collection in simulator.control("GET", "/world")["compute"]["collections"]]
    assert [len(each) for each in points] == [1] * 4


def _every_write_is_of_the_vms_own_slice(journal: list[dict[str, Any]], slices: list[Slice]) -> None:
    """Each slice signs in on its own, so that its token tells its requests from those of the others."""
    wrote: dict[str, set[str]] = defaultdict(set)
    for entry in journal:
        if entry["service"] == "arm" and entry["method"] in ("POST", "PUT"):
            (host,) = [
                host for each in slices for host in each.hosts if f"{host}/" in entry["target"].replace("?", "/")
            ]
            wrote[entry["headers"]["authorization"]].add(host)
    ours = [{host for host in each.hosts if not host.startswith("spf")} for each in slices]
    assert sorted(wrote.values(), key=min) == sorted(ours, key=min)


def _every_slice_has_waited(journal: list[dict[str, Any]]) -> None:
    """Whoever is refused sends that request again, and not before a second has passed: none of them asks for less."""
    for place, entry in enumerate(journal):
        if entry["status"] != 429:
            continue
        token = entry["headers"]["authorization"]
        same = [
            later["time"] - entry["time"]
            for later in journal[place + 1 :]
            if later["headers"].get("authorization") == token
            and (later["method"], later["target"]) == (entry["method"], entry["target"])
        ]
        assert same, entry
        assert same[0] >= 1.0, (entry, same[0])
    assert len(_refused(journal)) == SLICES
