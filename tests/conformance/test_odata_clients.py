# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData clients of others against the SPF side of the simulator: datajs in verbose JSON, WCF Data Services' in Atom."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

from tests.conformance.simulator_process import BUILD, CLIENTS, opted_in, running_simulator
from tests.support.waiting import HANG

DATAJS = BUILD / "datajs" / "node_modules" / "datajs"
MONO = BUILD / "mono" / "usr"


def test_datajs(tmp_path: Path) -> None:
    """Verbose JSON, protocol version 2, MERGE; over TLS with a checked certificate."""
    opted_in("DATAJS", DATAJS)
    with running_simulator(tmp_path, "--time-scale", "100") as spf:
        ready = spf.ready
        spf.file("spf", "web01", "/etc/app.conf", "broken before")
        secret = base64.b64encode(f"{ready['spf_username']}:{ready['spf_password']}".encode()).decode()
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_EXTRA_CA_CERTS": ready["ca_file"],
            "SPF_ROOT": ready["spf_url"],
            "SPF_AUTH": f"Basic {secret}",
            "SPF_VM": spf.vm("web01")["id"],
            "SPF_STAMP": ready["spf_stamp_id"],
            "SPF_CONTROL": ready["control_url"],
        }
        command = ["node", str(CLIENTS / "life.js"), str(DATAJS)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG, check=False)
        assert done.returncode == 0, done.stderr
        steps = {each["step"]: each["value"] for each in map(json.loads, done.stdout.splitlines())}
        assert "baseline" in steps["list"]
        assert steps["create"][:2] == [201, "by datajs"]
        assert steps["restore"] == steps["delete"] == 204
        assert steps["read"] == ["by datajs", "verbose"]
        assert steps["error"] == [404, "string"]
        assert spf.file("spf", "web01", "/etc/app.conf") == "broken before"
        assert [method for method, _target, _status in spf.sent("VMCheckPoints") if method != "GET"] == [
            "POST",
            "MERGE",
            "DELETE",
        ]


def test_wcf_data_services_client(tmp_path: Path) -> None:
    """Atom, protocol version 2 at most, and the client's own MERGE; plain HTTP, for it has a trust store of its own."""
    opted_in("MONO", MONO / "bin" / "mono-sgen")
    libraries = MONO / "lib" / "mono" / "4.5"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "MONO_PATH": str(libraries),
        "MONO_CFG_DIR": str(MONO.parent / "etc"),
        "MONO_REGISTRY_PATH": str(tmp_path / "registry"),
        "LD_LIBRARY_PATH": str(MONO / "lib"),
    }
    mono = str(MONO / "bin" / "mono-sgen")
    program = tmp_path / "life.exe"
    build = [mono, str(libraries / "mcs.exe"), f"-lib:{libraries}", "-r:System.Data.Services.Client.dll"]
    build += ["-r:System.Core.dll", f"-out:{program}", str(CLIENTS / "Life.cs")]
    made = subprocess.run(build, env=environment, capture_output=True, text=True, timeout=HANG, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    with running_simulator(tmp_path, "--time-scale", "100", "--http") as spf:
        ready = spf.ready
        spf.file("spf", "web01", "/etc/app.conf", "broken before")
        command = [mono, str(program), ready["spf_url"], ready["spf_username"], ready["spf_password"]]
        command += [spf.vm("web01")["id"], ready["spf_stamp_id"], ready["control_url"]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        steps = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        assert "baseline" in steps.pop("list")
        assert steps == {"create": "201", "restore": "204", "read": "by mono,atom", "delete": "204", "left": "0"}
        writes = [method for method, _target, _status in spf.sent("VMCheckPoints") if method != "GET"]
        assert writes == ["POST", "MERGE", "DELETE"]
