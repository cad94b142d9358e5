# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of an execution environment is one, and ansible-builder finds what the collection needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.simulator_server import ROOT

EXAMPLE = ROOT / "docs/examples/execution-environment.yml"
FILES = ("galaxy.yml", "MANIFEST.json", "meta", "bindep.txt", "requirements.txt")


def _builder(*arguments: str) -> str:
    if shutil.which("ansible-builder") is None:
        pytest.skip("ansible-builder is not there: it is in requirements-tools.txt, which make installs")
    run = subprocess.run(["ansible-builder", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_the_example_is_accepted(tmp_path: Path) -> None:
    _builder("create", "-f", str(EXAMPLE), "-c", str(tmp_path), "--output-filename", "Containerfile")
    containerfile = (tmp_path / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="quay.io/rockylinux/rockylinux:9"' in containerfile
    asked = yaml.safe_load((tmp_path / "_build/requirements.yml").read_text())
    assert [each["name"] for each in asked["collections"]] == ["https://github.com/hybridvm/checkpoints.git"]


def test_the_examples_libraries_are_those_of_the_requirements() -> None:
    example = yaml.safe_load(EXAMPLE.read_text())["dependencies"]
    known = [line for name in ("azure", "windows") for line in _lines(ROOT / f"requirements-{name}.txt")]
    assert sorted(example["python"]) == sorted(known)
    packages = {line.split()[0] for line in example["system"]}
    listed = {
        re.sub("^python3", "python3.12", line.split()[0]) for line in _lines(ROOT / "bindep.txt") if "rpm" in line
    }
    assert packages == {*listed, "gcc"}
    assert all("[kerberos" in line for line in _lines(ROOT / "bindep.txt"))


def test_what_the_collection_needs_is_found(tmp_path: Path) -> None:
    home = tmp_path / "ansible_collections/hybridvm/checkpoints"
    home.mkdir(parents=True)
    for name in FILES:
        if (ROOT / name).exists():
            (home / name).symlink_to(ROOT / name)
    found = yaml.safe_load(_builder("introspect", str(tmp_path)).partition("---\n")[2])
    assert [line.partition(" ")[0] for line in found["python"]] == _lines(ROOT / "requirements.txt")
    assert [line.partition("  #")[0] for line in found["system"]] == _lines(ROOT / "bindep.txt")
