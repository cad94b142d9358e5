# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure CLI as it is against the simulator: sign-in as a service principal, restore points, ScVmm by `az rest`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.simulator_process import BUILD, SimulatorProcess, opted_in, running_simulator
from tests.support.waiting import HANG

AZ = BUILD / "az" / "bin" / "az"


class Cli:
    """The Azure CLI with a configuration of its own, signed in to a simulator."""

    def __init__(self, azure: SimulatorProcess, directory: Path) -> None:
        self.azure = azure
        self.group: str = azure.ready["compute_resource_group"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ANSIBLE_"))}
        self._environment = {
            **kept,
            "AZURE_CONFIG_DIR": str(directory / "config"),
            "AZURE_EXTENSION_DIR": str(directory / "extensions"),
            "AZURE_CORE_COLLECT_TELEMETRY": "0",
            "AZURE_CORE_NO_COLOR": "1",
            "REQUESTS_CA_BUNDLE": azure.ready["ca_file"],
            "NO_PROXY": "localhost,127.0.0.1",
        }
        (directory / "config").mkdir(mode=0o700)
        ready = azure.ready
        self("cloud", "register", "-n", "Sim", "--endpoint-resource-manager", ready["arm_url"])
        self("cloud", "set", "-n", "Sim")
        self("config", "set", "core.instance_discovery=false")
        self(
            "login",
            "--service-principal",
            "-u",
            ready["client_id"],
            f"-p={ready['secret']}",
            "--tenant",
            ready["tenant"],
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, whatever comes of it."""
        command = [str(AZ), *arguments, "-o", "json"]
        return subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def __call__(self, *arguments: str) -> Any:
        """What the command says, as a document."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"az {' '.join(arguments[:3])}: {done.stderr[-1500:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def collection(self, verb: str, name: str, *more: str) -> Any:
        return self("restore-point", "collection", verb, "-g", self.group, "--collection-name", name, *more)

    def point(self, verb: str, collection: str, name: str, *more: str) -> Any:
        return self("restore-point", verb, "-g", self.group, "--collection-name", collection, "-n", name, *more)


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    opted_in("AZ", AZ)
    options = (
        "--time-scale",
        "10",
        "--switch",
        "compute_vm_retry_after=0",
        "--switch",
        "compute_copy_takes=3s",
        "--switch",
        "compute_point_takes=5s",
    )
    with running_simulator(tmp_path_factory.mktemp("az"), *options) as running:
        # The recorded answers name no Retry-After, and the CLI then waits 30 seconds between two polls.
        sooner = {"kind": "headers", "headers": {"Retry-After": "1"}, "count": None}
        for method, path in (("PUT|DELETE", "restorePoint"), ("GET", "/operations/")):
            running.http.post("/faults", json={**sooner, "method": method, "path": path}).raise_for_status()
        yield Cli(running, tmp_path_factory.mktemp("cli"))


def test_restore_points(az: Cli) -> None:
    vm = az.azure.vm("shop01")["vm"]
    place = az.azure.ready["locations"]
    made = az.collection("create", "daily", "-l", place[0], "--source-id", vm, "--tags", "by=az")
    assert (made["tags"], made["provisioningState"]) == ({"by": "az"}, "Succeeded")
    assert az.collection("update", "daily", "--tags", "by=update")["tags"] == {"by": "update"}
    assert az.collection("show", "daily")["source"]["id"] == vm
    assert [each["name"] for each in az("restore-point", "collection", "list", "-g", az.group)] == ["daily"]
    assert [each["name"] for each in az("restore-point", "collection", "list-all")] == ["daily"]
    point = az.point("create", "daily", "one", "--consistency-mode", "CrashConsistent")
    assert (point["consistencyMode"], point["provisioningState"]) == ("CrashConsistent", "Succeeded")
    az.point("wait", "daily", "one", "--created", "--interval", "1")
    shown = az.point("show", "daily", "one", "--instance-view")
    assert all(
        each["replicationStatus"]["completionPercent"] == 100 for each in shown["instanceView"]["diskRestorePoints"]
    )
    held = az.collection("show", "daily", "--restore-points")["restorePoints"]
    assert [each["name"] for each in held] == ["one"]
    az.collection("create", "far", "-l", place[1], "--source-id", made["id"])
    copied = az.point("create", "far", "copy", "--source-restore-point", point["id"])
    assert copied["sourceRestorePoint"]["id"] == point["id"]
    az.point("delete", "far", "copy", "-y")
    az.point("delete", "daily", "one", "-y")
    az.collection("delete", "far", "-y")
    az.collection("delete", "daily", "-y")
    assert az("restore-point", "collection", "list", "-g", az.group) == []


def test_its_errors_are_understood(az: Cli) -> None:
    command = ["restore-point", "show", "-g", az.group, "--collection-name", "none", "-n", "none"]
    done = az.run(*command)
    assert done.returncode == 3, done.stderr  # az's own status for what is not found
    assert "ResourceNotFound" in done.stderr or "NotFound" in done.stderr
    az.azure.http.post("/failures", json={"service": "compute", "kind": "point", "code": "VMRestorePointInternalError"})
    az.collection("create", "failing", "-l", az.azure.ready["locations"][0], "--source-id", az.azure.vm("shop01")["vm"])
    done = az.run("restore-point", "create", "-g", az.group, "--collection-name", "failing", "-n", "x")
    assert done.returncode == 1
    assert "VMRestorePointInternalError" in done.stderr
    az.collection("delete", "failing", "-y")


def test_scvmm_by_rest(az: Cli) -> None:
    root = f"{az.azure.ready['arm_url']}{az.azure.vm('app01')['vm']}"
    root += "/providers/Microsoft.ScVmm/virtualMachineInstances/default"
    version = "api-version=2024-06-01"

    def checkpoints() -> list[dict[str, Any]]:
        found = az("rest", "--method", "get", "--url", f"{root}?{version}")
        listed: list[dict[str, Any]] = found["properties"]["infrastructureProfile"]["checkpoints"]
        return listed

    def post(action: str, body: dict[str, str]) -> None:
        az("rest", "--method", "post", "--url", f"{root}/{action}?{version}", "--body", json.dumps(body))
        az.azure.settle()

    post("createCheckpoint", {"name": "by az", "description": "d"})
    made = checkpoints()[-1]
    assert (made["name"], made["description"]) == ("by az", "d")
    az.azure.file("scvmm", "app01", "/etc/app.conf", "broken")
    post("restoreCheckpoint", {"id": made["checkpointID"]})
    assert az.azure.file("scvmm", "app01", "/etc/app.conf") == "version = 1\n"
    post("deleteCheckpoint", {"id": made["checkpointID"]})
    assert [each["name"] for each in checkpoints()] == ["baseline"]
