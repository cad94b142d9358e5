# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task runs inside the controller or as a module, and for how long: pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from datetime import timedelta

AUTO = ("", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent")
"""What Ansible takes for the interpreter that it finds out by itself."""
ONLY_AT_START = ("DYLD_", "LC_", "LD_", "MALLOC_", "OPENSSL_", "PYTHON")
"""Begin the names of variables that a process reads once, when it starts."""
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Situation:
    """What is known of a task before it runs.

    `libraries`: the collection's core is loaded. `interpreter` is the Python asked for, `own` the controller's;
    `same_file` says whether two paths lead to one file. `environment` is what the task adds to the variables.
    """

    connection: str
    libraries: bool
    allowed: bool
    becomes: bool
    in_background: bool
    interpreter: str
    own: str
    environment: t.Mapping[str, str]
    main_thread: bool = True
    same_file: t.Callable[[str, str], bool] = lambda one, other: one == other


def needs_module(situation: Situation) -> str | None:
    """Why the task has to run as a module; None where it can run inside the controller."""
    if not situation.allowed:
        return "hybridvm_checkpoints_in_process is false"
    if situation.connection != "local":
        return f"the connection is {situation.connection}, not local"
    if situation.becomes:
        return "become is set"
    if situation.in_background:
        return "async is set"
    if not is_own(situation):
        return f"ansible_python_interpreter is {situation.interpreter}, not the controller's {situation.own}"
    if not situation.libraries:
        return "the controller's Python is too old or lacks the collection's libraries"
    if not situation.main_thread:
        return "the worker is a thread, which gets no signals"
    for name, value in situation.environment.items():
        if name.startswith(ONLY_AT_START):
            return f"environment sets {name}, which a process reads only when it starts"
        if not _NAME.fullmatch(name) or "\0" in value:
            return "environment holds what a process cannot set"
    return None


def is_own(situation: Situation) -> bool:
    """Whether the interpreter asked for is the controller's, or any.

    Two names in one directory may be one Python. Two directories are two, whatever the links say: an environment's
    python leads to the system's, and has other libraries.
    """
    wanted, own = situation.interpreter, situation.own
    if wanted in AUTO or wanted == own:
        return True
    return wanted.rpartition("/")[0] == own.rpartition("/")[0] != "" and situation.same_file(wanted, own)


def time_left(wait_timeout: timedelta, timeout: float) -> timedelta:
    """The deadline for a task that Ansible ends after `timeout` seconds (0: never): early enough to say what is known.

    Never below a second, the least that wait_timeout takes.
    """
    if not timeout:
        return wait_timeout
    return min(wait_timeout, timedelta(seconds=max(1.0, timeout - min(2.0, timeout / 4))))
