# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module on a Python that is too old, or lacks the libraries, ends with one failure that says what to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.simulator_server import ROOT

from .support import MODULES, Ansible

TARGETS = {"3.8": "3.8 is the oldest target of ansible-core 2.19", "3.9": "", "3.10": ""}
"""What the ansible-core of the tests still accepts as a target, and we do not."""
READERS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")
"""Every older Python that an ansible-core from 2.16 on starts modules with."""
REMEDY = 'ansible_python_interpreter: "{{ ansible_playbook_python }}"'
OPTIONS = {
    "leftover_disk": "vm=v ids=i state=absent",
    "restore_point": "name=n collection=c resource_group=g",
    "restore_point_collection": "name=n resource_group=g",
    "restore_point_collection_info": "name=n resource_group=g",
    "vm_checkpoint": "vm=web01 name=n",
    "vm_checkpoint_info": "vm=web01",
    "vm_checkpoint_policy": "vm=web01 max_age=1h",
    "vm_checkpoint_restore": "vm=web01 name=n",
}
STUB = """
class AnsibleModule(object):
    def __init__(self, *args, **rules):
        raise SystemExit("went on")
"""


def interpreter(version: str) -> Path:
    """Such a Python from the PATH or from pyenv; the test is skipped where there is none."""
    places = [*map(Path, os.environ["PATH"].split(os.pathsep)), *Path.home().glob(f".pyenv/versions/{version}.*/bin")]
    for found in (place / f"python{version}" for place in places):
        command = [str(found), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if found.is_file() and subprocess.run(command, capture_output=True, check=False).stdout.decode().split() == [
            version
        ]:
            return found
    pytest.skip(f"no python{version} on the PATH or in pyenv: what it makes of a module is not seen here")


def result_of(ansible: Ansible, python: Path, module: str) -> dict[str, Any]:
    """The failure of one ad hoc task, run by that Python."""
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-m",
        f"hybridvm.checkpoints.{module}",
        "-a",
        OPTIONS[module],
        "-e",
        json.dumps({"ansible_python_interpreter": str(python)}),
    ]
    run = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        env=ansible.environment(),
        cwd=ansible.directory,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    found = re.search(r"^localhost \| FAILED! => (\{.*^\})", run.stdout, re.M | re.S)
    assert found, run.stdout + run.stderr
    return dict(json.loads(found[1]))


def check(result: dict[str, Any], python: Path) -> None:
    """Our shape; what is missing, for which Python, and the remedy, all in one line."""
    error = result["error"]
    assert result["changed"] is False
    assert (error["code"], error["retry"]) == ("missing_library", "never")
    assert str(python) in error["message"]
    assert error["message"] in result["msg"]
    assert error["remedy"] in result["msg"]
    assert REMEDY in error["remedy"]
    assert "delegate_to: localhost" in error["remedy"]
    assert "\n" not in result["msg"]


@pytest.mark.parametrize("version", TARGETS)
def test_a_python_that_is_too_old_is_named_with_the_one_that_is_needed(version: str, ansible: Ansible) -> None:
    python = interpreter(version)
    result = result_of(ansible, python, "vm_checkpoint")
    check(result, python)
    assert f"Python {version}." in result["msg"]
    assert "3.11 or newer" in result["msg"]


@pytest.mark.thorough
@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_so(module: str, ansible: Ansible) -> None:
    python = interpreter("3.9")
    check(result_of(ansible, python, module), python)


def test_a_python_without_the_libraries_is_named_with_the_command_that_installs_them(
    ansible: Ansible, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare/bin/python"
    result = result_of(ansible, python, "vm_checkpoint_info")
    check(result, python)
    assert "No module named" in result["msg"]
    assert f"{python} -m pip install" in result["error"]["remedy"]


@pytest.mark.thorough
@pytest.mark.parametrize("version", READERS)
@pytest.mark.parametrize("module", MODULES)
def test_every_python_that_ansible_starts_reads_as_far_as_the_check(version: str, module: str, tmp_path: Path) -> None:
    python = interpreter(version)
    names = ("ansible/module_utils/common", "ansible_collections/hybridvm/checkpoints/plugins/modules")
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ansible_collections/hybridvm/checkpoints/plugins/module_utils").mkdir()
    for path in (ROOT / "plugins/module_utils").iterdir():
        (tmp_path / "ansible_collections/hybridvm/checkpoints/plugins/module_utils" / path.name).symlink_to(path)
    (tmp_path / names[1] / f"{module}.py").write_bytes((ROOT / f"plugins/modules/{module}.py").read_bytes())
    for directory in (path for path in tmp_path.rglob("*") if path.is_dir() and not path.is_symlink()):
        (directory / "__init__.py").touch()
    (tmp_path / "ansible/module_utils/basic.py").write_text(STUB)
    (tmp_path / "ansible/module_utils/common/parameters.py").write_text("remove_values = None\n")
    command = [str(python), "-B", "-m", f"ansible_collections.hybridvm.checkpoints.plugins.modules.{module}"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (1, "")
    check(json.loads(run.stdout), python)
