# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VMs for figures: worlds of numbered ones in process, what a run sent, and a process of its own for memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.arm.buckets import SIZES
from tests.support.lab import Lab
from tests.support.memory import peak_mib
from tests.support.simulator_server import started

SERVICES = ("spf", "scvmm", "compute")
PREFIXES = {"spf": "spf", "scvmm": "arc", "compute": "azure"}
APART = ("/jobs?", "/operationstatuses/", "/operations/", "/oauth2/", "/metadata/")
"""What is counted apart: polls of operations, and signing in."""


def lab_of(service: str, count: int, **switches: Any) -> tuple[Lab, list[str]]:
    """A world of so many VMs, each with one old checkpoint (Azure's: none), and what a playbook calls them."""
    lab = Lab(**switches)
    lab.world.populate(**{service: count})
    lab.world.journal.kept = 10**7
    names = [f"{PREFIXES[service]}{number:03}" for number in range(1, count + 1)]
    if service == "scvmm":
        return lab, [lab.world.machine_uri(name) for name in names]
    if service == "compute":
        return lab, [lab.world.azure.named(name).id for name in names]
    return lab, names


def well(result: dict[str, Any]) -> None:
    """A figure of a run that failed is none."""
    if "error" in result:
        raise SystemExit(result["msg"])


def counted(lab: Lab) -> int:
    """The requests that the service has taken: those that it throttled were sent again."""
    return sum(
        entry.status != 429 and not any(part in entry.target.lower() for part in APART)
        for entry in lab.world.journal.entries
    )


def bound_of(lab: Lab) -> float:
    """The seconds that Resource Manager's buckets take for what was sent, polls included: the fullest decides."""
    taken: Counter[tuple[str, str]] = Counter()
    for entry in lab.world.journal.entries:
        if entry.service != "arm" or entry.status == 429:
            continue
        kind = {"GET": "reads", "DELETE": "deletes"}.get(entry.method, "writes")
        scope = "subscription" if entry.target.lower().startswith("/subscriptions/") else "tenant"
        taken[scope, kind] += 1
    return max((count - SIZES[kind][0]) / SIZES[kind][1] for (_scope, kind), count in taken.items())


def document_of(service: str, count: int, points: int) -> dict[str, Any]:
    """A world whose VMs have so many checkpoints each."""
    lab, _vms = lab_of(service, 0)
    document = lab.world.dump()
    names = [f"{PREFIXES[service]}{number:05}" for number in range(1, count + 1)]
    if service == "compute":
        group = document["compute"]["resource_group"]
        document["compute"]["vms"] = [{"name": name} for name in names]
        document["compute"]["collections"] = [
            {
                "name": f"checkpoints-{name}",
                "source": name,
                "resource_group": group,
                "points": [{"name": f"p{number:02}", "days_old": 30 - number} for number in range(points)],
            }
            for name in names
        ]
    else:
        checkpoints = [{"name": f"p{number:02}", "days_old": 30 - number} for number in range(points)]
        document[service]["vms"] = [{"name": name, "checkpoints": checkpoints} for name in names]
    return document


def paths_of_info(service: str, count: int, points: int) -> list[str]:
    """What `vm_checkpoint_info` reads of the VMs of such a world, sign-in apart: path and query of each request."""
    lab = Lab(document_of(service, count, points), arm_buckets=0.0)
    names = [f"{PREFIXES[service]}{number:05}" for number in range(1, count + 1)]
    if service == "scvmm":
        names = [lab.world.machine_uri(name) for name in names]
    if service == "compute":
        names = [lab.world.azure.named(name).id for name in names]
    well(lab.run("vm_checkpoint_info", vms=names, wait_timeout="2h"))
    read = [request.url for request in lab.requests if request.method == "GET"]
    return [url.raw_path.decode() for url in read if not url.path.startswith("/metadata/")]


@contextmanager
def served(service: str, count: int, points: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A simulator process with such a world: its ready file, and what a playbook calls the VMs."""
    with tempfile.TemporaryDirectory() as directory:
        world = Path(directory) / "world.json"
        world.write_text(json.dumps(document_of(service, count, points)))
        with started(Path(directory), "--world", str(world), "--switch", "arm_buckets=0") as (_process, ready):
            yield ready, [each["vm"] for each in ready["vms"] if each["service"] == service]


def in_a_process(options: dict[str, Any], environ: dict[str, str]) -> tuple[float, float]:
    """The seconds that one task takes, and the most memory that its process had, in MiB."""
    program = "import sys; from tests.bench.fleets import run_here; run_here(sys.stdin.read())"
    given = json.dumps({"options": options, "environ": environ})
    done = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    seconds, peak = json.loads(done.stdout)
    return float(seconds), float(peak)


def run_here(given: str) -> None:
    """Run one task in this process and print what it took. Its files are loaded, as in the worker of a controller."""
    import time
    from datetime import UTC, datetime

    import anyio

    from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext, load_services
    from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
    from tests.support.tasks import TASKS

    asked = json.loads(given)
    options, context = asked["options"], RunContext(asked["environ"], lambda: datetime.now(UTC))
    task, check = TASKS[options.pop("module")], options.pop("check", False)
    load_services()
    begun = time.perf_counter()
    well(anyio.run(run_task, task, options, check, context))
    seconds = time.perf_counter() - begun
    sys.stdout.write(json.dumps([seconds, peak_mib()]))
