# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module's process would find around it, for a task that runs in a worker of Ansible's."""

from __future__ import annotations

import os
import typing as t
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def surroundings(environment: t.Mapping[str, str], directory: str) -> t.Iterator[None]:
    """The variables and the directory that a module would have. Items of a loop share a worker: both are put back."""
    before = {name: os.environ.get(name) for name in environment}
    here = _here()
    os.environ.update(environment)
    try:
        os.chdir(directory)
        yield
    finally:
        if here is not None:
            os.fchdir(here)
            os.close(here)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _here() -> int | None:
    """The working directory, by a handle that stays right; None where it cannot be read."""
    try:
        return os.open(".", os.O_RDONLY)
    except OSError:
        return None


def same_file(one: str, other: str) -> bool:
    """Whether both paths lead to one file that exists."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
