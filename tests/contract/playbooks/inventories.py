# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ansible-inventory against the simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.waiting import HANG

from .support import COLLECTION, Ansible

PLUGIN = f"{COLLECTION}.vms"


@dataclass(frozen=True)
class Listed:
    """What came of an ansible-inventory; `messages` are its warnings and errors on one line."""

    code: int
    document: dict[str, Any]
    stdout: str
    messages: str

    def vars(self, host: str) -> dict[str, Any]:
        """The variables of a host, as a playbook has them: texts that are never templated are texts."""
        return {key: _plain(value) for key, value in self.document["_meta"]["hostvars"][host].items()}

    @property
    def hosts(self) -> list[str]:
        """All hosts."""
        return sorted(self.document["_meta"]["hostvars"])

    def group(self, name: str) -> list[str]:
        """The hosts of a group, sorted; none where there is no such group."""
        return sorted(self.document.get(name, {}).get("hosts", []))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            value["__ansible_unsafe"]
            if set(value) == {"__ansible_unsafe"}
            else {k: _plain(v) for k, v in value.items()}
        )
    return value


def source(directory: Path, name: str = "all.checkpoints.yml", **options: Any) -> Path:
    """An inventory file of the plugin."""
    path = directory / name
    path.write_text(yaml.safe_dump({"plugin": PLUGIN, **options}))
    return path


def list_hosts(ansible: Ansible, path: Path, *arguments: str, **environment: str) -> Listed:
    """`ansible-inventory --list`, which fails where a source does."""
    program = Path(sys.executable).parent / "ansible-inventory"
    given = {**ansible.simulator.environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", **environment}
    run = subprocess.run(
        [sys.executable, str(program), "-i", str(path), "--list", *arguments],
        cwd=ansible.directory,
        env=ansible.environment(**given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    is_json = run.stdout.lstrip().startswith("{")
    return Listed(run.returncode, json.loads(run.stdout) if is_json else {}, run.stdout, " ".join(run.stderr.split()))
