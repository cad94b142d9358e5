# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's forks share the cache of tokens: one of them signs in, and no file is torn."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.disk_cache import DiskCache
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token, TokenAuth
from tests.support.waiting import HANG

pytestmark = pytest.mark.servers

FORKS = 4


class Slow(TokenAuth):
    """A way to sign in that takes a while and leaves a mark each time."""

    def __init__(self, marks: str) -> None:
        super().__init__(Redactor())
        self._marks = marks

    async def fetch(self, claims: str | None) -> Token:
        with Path(self._marks).open("a") as stream:
            stream.write("x")
        await anyio.sleep(0.2)
        return Token("token", 3600.0)


def sign_in(home: str, marks: str) -> None:
    """What one fork does."""

    async def main() -> None:
        auth = Slow(marks)
        auth.cache = DiskCache({"HOME": home}, ["client"], Deadline(60), lambda: datetime.now(UTC))
        await auth.ready()

    anyio.run(main)


def test_of_many_forks_one_signs_in_and_no_file_is_torn(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    context: Any = multiprocessing.get_context("spawn")
    forks = [context.Process(target=sign_in, args=(str(tmp_path), str(marks))) for _number in range(FORKS)]
    for fork in forks:
        fork.start()
    for fork in forks:
        fork.join(HANG)
    assert [fork.exitcode for fork in forks] == [0] * FORKS
    assert marks.read_text() == "x"
    (kept,) = tmp_path.rglob("*.json")
    assert json.loads(kept.read_text())["access_token"] == "token"
