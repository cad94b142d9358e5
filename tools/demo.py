# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the collection at work on a simulated VM of each service, as a short story.

Starts the simulator on a free loopback port, runs the playbook hybridvm.checkpoints.quickstart, a policy and a guarded
change against it, and leaves no process behind, also on Ctrl-C.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 300  # seconds in which the simulator serves, or is gone, however busy the machine is
TIME_SCALE = "10"  # a checkpoint that takes four simulated seconds is made in under half a real one


@contextmanager
def simulator(folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The ready file's content of a simulator that runs for the length of the block."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "simulator", "--port", "0", "--time-scale", TIME_SCALE]
    command += ["--switch", "compute_point_takes=5s"]  # an audience does not wait for minutes
    command += ["--ready-file", str(ready), "--with-parent", str(os.getpid())]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        end = time.monotonic() + PATIENCE
        while not (ready.exists() or process.poll() is not None or time.monotonic() > end):
            time.sleep(0.05)
        if not ready.exists():
            process.kill()
            _out, complaint = process.communicate()
            raise SystemExit(f"The simulator did not start: {complaint.decode().strip()[-500:]}")
        yield json.loads(ready.read_text())
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def inventory(ready: dict[str, Any]) -> dict[str, Any]:
    """A host per service: the first simulated VM of each, and where its guest's files can be reached."""
    hosts = {}
    for service, file in (("spf", "/etc/app.conf"), ("scvmm", "/etc/app.conf"), ("compute", "/etc/shop.conf")):
        vm = next(vm for vm in ready["vms"] if vm["service"] == service)
        hosts[vm["name"]] = {
            "checkpoint_vm": vm["vm"],
            "guest_url": f"{ready['control_url'].rstrip('/')}/guest/{service}/{vm['name']}",
            "guest_file": file,
            "guest_ca": ready["ca_file"],
            "checkpoint_pace": "500ms",
            "ansible_python_interpreter": sys.executable,
        }
    return {"all": {"hosts": hosts}}


def environment(ready: dict[str, Any]) -> dict[str, str]:
    """The connection in environment variables, as a configured shell or an execution environment would have it."""
    connection = {
        "SPF_URL": ready["spf_url"],
        "SPF_SUBSCRIPTION_ID": ready["spf_subscription_id"],
        "SPF_USERNAME": ready["spf_username"],
        "SPF_PASSWORD": ready["spf_password"],
        "AZURE_CLOUD_ENVIRONMENT": ready["arm_url"],
        "AZURE_SUBSCRIPTION_ID": ready["subscription_id"],
        "AZURE_TENANT": ready["tenant"],
        "AZURE_CLIENT_ID": ready["client_id"],
        "AZURE_SECRET": ready["secret"],
        "HYBRIDVM_CA_PATH": ready["ca_file"],
    }
    ansible = {
        "ANSIBLE_STDOUT_CALLBACK": "story",
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tools" / "story"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build"),
        "NO_PROXY": "localhost,127.0.0.1",
    }
    # What the user's shell holds for real services must not get in: the demo touches nothing but the simulator.
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("SPF_", "AZURE_", "ANSIBLE_", "HYBRIDVM_"))}
    return {**clean, **connection, **ansible}


def play(folder: pathlib.Path, ready: dict[str, Any]) -> int:
    """Run the playbooks; their exit status."""
    hosts = folder / "inventory.json"
    hosts.write_text(json.dumps(inventory(ready)))
    story = ROOT / "tools/story"
    playbooks = ["hybridvm.checkpoints.quickstart", str(story / "policy.yml"), str(story / "guarded.yml")]
    command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), *playbooks]
    process = subprocess.Popen(
        [*command, "-i", str(hosts)], env=environment(ready), stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def main() -> int:
    """Tell the story; 0 when everything in it came true."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _frame: sys.exit(128 + caught))
    began = time.monotonic()
    print("A checkpoint's life on three services, all simulated:")
    print("web01 behind SPF, app01 behind Arc-enabled SCVMM, shop01 in Azure, where a restore swaps the VM's disks.")
    with tempfile.TemporaryDirectory(prefix="checkpoints-demo-") as name:
        folder = pathlib.Path(name)
        try:
            with simulator(folder) as ready:
                status = play(folder, ready)
        except KeyboardInterrupt:
            print("\nStopped; nothing is left running.")
            return 130
    if status == 0:
        print(f"\nAll of it was proven, in {time.monotonic() - began:.0f} s. Where to go on:")
        print("  make simulator      rehearse your own playbooks against the simulated services")
        print("  docs/               how it works, what it promises, what is known of each service")
        print("  ansible-doc hybridvm.checkpoints.vm_checkpoint      every option, with examples")
    return status


if __name__ == "__main__":
    sys.exit(main())
