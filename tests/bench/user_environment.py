# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that figures are measured in: what a user has, all of it compiled; no tool and no test beside it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from tests.support.simulator_server import ROOT

PLACE = ROOT / "build/bench"
COLLECTION = Path("ansible_collections/hybridvm/checkpoints")
REQUIREMENTS = ("requirements.txt", "requirements-core.txt")


@functools.cache
def python() -> Path:
    """A Python with ansible-core and the collection's libraries; made when first asked for."""
    return made(PLACE / "venv", *(ROOT / name for name in REQUIREMENTS))


def made(home: Path, *requirements: Path) -> Path:
    """The Python of an environment with these requirements."""
    subprocess.run(["uv", "venv", "-q", "--allow-existing", "-p", sys.executable, str(home)], check=True)
    listed = [part for path in requirements for part in ("-r", str(path))]
    install = ["uv", "pip", "install", "-q", "--compile-bytecode", "-p", str(home / "bin/python")]
    subprocess.run([*install, *listed], check=True)
    return home / "bin/python"


@functools.cache
def collections() -> Path:
    """A directory of collections with this checkout's, compiled as after its first task."""
    tree = PLACE / "collections" / COLLECTION
    environment = {**os.environ, "PATH": f"{python().parent}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, str(ROOT / "tools/tree.py"), str(tree)], cwd=ROOT, env=environment, check=True)
    subprocess.run([str(python()), "-m", "compileall", "-q", str(tree / "plugins")], check=True)
    return PLACE / "collections"


def environment(**more: str) -> dict[str, str]:
    """Variables for an ansible-playbook: none of the caller's own settings of it or of the services."""
    foreign = ("ANSIBLE_", "AZURE_", "SPF_", "HYBRIDVM_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "stopwatch",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_HOME": str(PLACE / "home"),
        **more,
    }
