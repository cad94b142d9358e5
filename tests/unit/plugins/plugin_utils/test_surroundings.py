# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of a loop share a worker: none sees the variables or the directory of the one before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils import _surroundings
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._surroundings import same_file, surroundings


def test_both_are_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYBRIDVM_KEPT", "before")
    monkeypatch.delenv("HYBRIDVM_NEW", raising=False)
    here = Path.cwd()
    seen: list[object] = []

    def fail() -> None:
        with surroundings({"HYBRIDVM_KEPT": "within", "HYBRIDVM_NEW": "1"}, str(tmp_path)):
            seen.extend([os.environ["HYBRIDVM_KEPT"], os.environ["HYBRIDVM_NEW"], Path.cwd()])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert seen == ["within", "1", tmp_path]
    assert os.environ["HYBRIDVM_KEPT"] == "before"
    assert "HYBRIDVM_NEW" not in os.environ
    assert Path.cwd() == here


def test_what_the_task_itself_changes_elsewhere_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HYBRIDVM_OWN", raising=False)
    with surroundings({}, str(tmp_path)):
        monkeypatch.setenv("HYBRIDVM_OWN", "1")
    assert os.environ["HYBRIDVM_OWN"] == "1"


def test_a_variable_that_the_task_removes_is_no_error(tmp_path: Path) -> None:
    with surroundings({"HYBRIDVM_NEW": "1"}, str(tmp_path)):
        del os.environ["HYBRIDVM_NEW"]
    assert "HYBRIDVM_NEW" not in os.environ


def test_a_directory_that_cannot_be_read_is_left_for_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109 - as the code under test sees it
    with monkeypatch.context() as patched:
        patched.setattr(_surroundings, "_here", lambda: None)
        with surroundings({}, str(tmp_path)):
            pass
        assert Path.cwd() == tmp_path
    os.chdir(here)


def test_no_directory() -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "open", refuse)
        found = _surroundings._here()
    assert found is None


def test_links_lead_to_one_file(tmp_path: Path) -> None:
    python, link = tmp_path / "python3.11", tmp_path / "python"
    python.touch()
    link.symlink_to(python)
    assert same_file(str(link), str(python))
    assert not same_file(str(tmp_path / "absent"), str(python))
