# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task of ours beside one of azure.azcollection's that reads the same VM, in one play against one simulator.

Opt-in (AZCOLLECTION=1): that collection comes with the package `ansible`, and its libraries take 0.8 GB.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.support.simulator_server import ROOT, started

from . import one_task, user_environment
from .registry import figure

PLACE = ROOT / "build/bench/azcollection"
PACKAGE = "ansible~=12.0"
"""The release for ansible-core 2.19."""
THEIRS = "ansible_collections/azure/azcollection"
# It takes a URL for cloud_environment, and asks azure-cli-core for a function that is no longer there. So the public
# cloud's addresses are changed as they are loaded, in each Python that the play starts.
ELSEWHERE = """
import importlib.machinery
import os
import sys


class Elsewhere:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "azure.cli.core.cloud":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def loaded(module):
            load(module)
            endpoints = module.AZURE_PUBLIC_CLOUD.endpoints
            endpoints.resource_manager, endpoints.active_directory = os.environ["ELSEWHERE"].split()

        spec.loader.exec_module = loaded
        return spec


sys.meta_path.insert(0, Elsewhere)
"""


@figure("task_vs_azcollection", "a task inside the controller / azure_rm_resource_info", 0.08, opt_in="AZCOLLECTION")
def task_vs_azcollection() -> list[float]:
    """The ratio in each round; the first round is thrown away."""
    with tempfile.TemporaryDirectory() as directory, started(Path(directory)) as (_process, ready):
        place = Path(directory)
        paths = f"{user_environment.collections()}:{collection()}"
        (place / "sitecustomize.py").write_text(ELSEWHERE)
        more = {"REQUESTS_CA_BUNDLE": ready["ca_file"], "AZURE_DISABLE_INSTANCE_DISCOVERY": "true"}
        more |= {"PYTHONPATH": directory, "ELSEWHERE": f"{ready['arm_url']} {ready['authority_url']}"}
        tasks = _round_of(ready) * (one_task.ROUNDS + 1)
        one_task.run_play(place, ready, tasks, python(), ANSIBLE_COLLECTIONS_PATH=paths, **more)
        times = defaultdict(list)
        for line in (place / "times").read_text().splitlines():
            entry = json.loads(line)
            times[entry["task"]].append(entry["seconds"])
    return [ours / theirs for ours, theirs in zip(times["ours"], times["theirs"], strict=True)][1:]


def _round_of(ready: dict[str, Any]) -> list[dict[str, Any]]:
    group = ready["compute_resource_group"]
    vm = f"/subscriptions/{ready['subscription_id']}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines"
    theirs = {"resource_group": group, "provider": "Compute", "resource_type": "virtualMachines"}
    theirs |= {"resource_name": "shop01", "api_version": "2024-07-01"}
    # Of the play's variables theirs would take this one for a URL that it cannot read.
    public = {"AZURE_CLOUD_ENVIRONMENT": "AzureCloud"}
    return [
        {"name": "ours", "check_mode": True, "hybridvm.checkpoints.vm_checkpoint": {"vm": f"{vm}/shop01", "name": "n"}},
        {"name": "theirs", "environment": public, "azure.azcollection.azure_rm_resource_info": theirs},
    ]


@functools.cache
def collection() -> Path:
    """A directory of collections with theirs, from the package's wheel; compiled as after its first task."""
    home = PLACE / "collections"
    if not (home / THEIRS).exists():
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(PLACE), PACKAGE]
        subprocess.run(download, check=True)
        (wheel,) = PLACE.glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(home, [name for name in packed.namelist() if name.startswith(f"{THEIRS}/")])
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(home)], check=True)
    return home


@functools.cache
def python() -> Path:
    """A Python with what both collections need."""
    listed = [ROOT / name for name in user_environment.REQUIREMENTS]
    return user_environment.made(PLACE / "venv", *listed, collection() / THEIRS / "requirements.txt")
