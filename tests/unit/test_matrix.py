# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of ansible-core that `make matrix` runs are those that the collection says it supports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import matrix

ROOT = Path(__file__).resolve().parents[2]


def test_the_oldest_is_what_the_collection_requires() -> None:
    required = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert required == f">={next(iter(matrix.CORES))}.0"


def test_the_readme_lists_them() -> None:
    part = (ROOT / "README.md").read_text().partition("\n## Testing\n")[2].partition("\n## ")[0]
    listed = {core: tuple(pythons.split(", ")) for core, pythons in re.findall(r"^\| (2\.\d+) \| (.*) \|$", part, re.M)}
    assert list(listed) == list(matrix.CORES)
    for core, pythons in listed.items():
        assert set(pythons) <= set(matrix.CORES[core])


def test_the_newest_is_what_make_test_runs_on_new_pythons() -> None:
    core = (ROOT / "requirements-core.txt") if (ROOT / "requirements-core.txt").is_file() else None
    if core is None:
        pytest.skip("the collection's tree does not hold it; the checkout's run checks this")
    assert set(re.findall(r"~=(2\.\d+)\.", core.read_text())) <= set(matrix.CORES)


def test_a_python_is_found_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert matrix.interpreter(("3.12", "3.13")) is None
    assert matrix.run("2.21", ROOT, tmp_path) == "skipped: there is no Python 3.12 or 3.13"
    own = tmp_path / ".pyenv/versions/3.13.0/bin/python3.13"
    own.parent.mkdir(parents=True)
    own.touch()
    assert matrix.interpreter(("3.12", "3.13")) == ("3.13", own)


def test_another_version_is_none_of_ours() -> None:
    command = [sys.executable, str(ROOT / "tools/matrix.py"), "2.9"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "the versions are 2.16, 2.17" in run.stderr
