# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the controller or as a module."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._where import (
    AUTO,
    Situation,
    is_own,
    needs_module,
    time_left,
)

OWN = "/venv/bin/python3"
USUAL = Situation(
    connection="local",
    libraries=True,
    allowed=True,
    becomes=False,
    in_background=False,
    interpreter="",
    own=OWN,
    environment={"SPF_URL": "https://spf", "https_proxy": "http://proxy", "KRB5CCNAME": "FILE:/tmp/cc"},
)


def test_a_local_task_runs_inside_the_controller() -> None:
    assert needs_module(USUAL) is None


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ({"allowed": False}, "hybridvm_checkpoints_in_process is false"),
        ({"connection": "ssh"}, "the connection is ssh, not local"),
        ({"becomes": True}, "become is set"),
        ({"in_background": True}, "async is set"),
        ({"libraries": False}, "too old or lacks the collection's libraries"),
        ({"main_thread": False}, "a thread"),
        ({"interpreter": "/usr/bin/python3"}, "is /usr/bin/python3, not the controller's /venv/bin/python3"),
        ({"environment": {"PYTHONPATH": "/opt"}}, "environment sets PYTHONPATH"),
        ({"environment": {"LD_LIBRARY_PATH": "/opt"}}, "environment sets LD_LIBRARY_PATH"),
        ({"environment": {"OPENSSL_CONF": "/opt/ssl.cnf"}}, "environment sets OPENSSL_CONF"),
        ({"environment": {"NO NAME": "1"}}, "what a process cannot set"),
        ({"environment": {"A=B": "1"}}, "what a process cannot set"),
        ({"environment": {"A": "1\0"}}, "what a process cannot set"),
    ],
)
def test_what_demands_the_module(what: dict[str, Any], why: str) -> None:
    assert why in str(needs_module(replace(USUAL, **what)))


@pytest.mark.parametrize("interpreter", [*AUTO, OWN])
def test_any_interpreter_or_the_controllers_own(interpreter: str) -> None:
    assert is_own(replace(USUAL, interpreter=interpreter))


def test_another_name_in_the_same_directory_for_the_same_file() -> None:
    asked = replace(USUAL, interpreter="/venv/bin/python", same_file=lambda one, other: {one, other} > {OWN})
    assert is_own(asked)
    assert not is_own(replace(USUAL, interpreter="/venv/bin/python")), "by default two names are two files"
    assert not is_own(replace(asked, same_file=lambda one, other: False))


@pytest.mark.parametrize("interpreter", ["/usr/bin/python3", "/usr/bin/env python3", "python3", "/other/bin/python3"])
def test_the_file_behind_an_environment_is_another_interpreter(interpreter: str) -> None:
    assert not is_own(replace(USUAL, interpreter=interpreter, same_file=lambda one, other: True))


def test_two_bare_names_have_no_directory_in_common() -> None:
    assert not is_own(replace(USUAL, interpreter="python", own="python3", same_file=lambda one, other: True))


@pytest.mark.parametrize(
    ("asked", "timeout", "left"),
    [
        (600, 0, 600),
        (600, 30, 28),
        (600, 4, 3),
        (600, 1, 1),
        (20, 30, 20),
    ],
)
def test_the_deadline_leaves_time_to_say_what_is_known(asked: float, timeout: float, left: float) -> None:
    assert time_left(timedelta(seconds=asked), timeout) == timedelta(seconds=left)
