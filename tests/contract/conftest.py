# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of these tests' tables, ONE_CASE_IN=3 plays every third case (docs/decisions/0022)."""

from __future__ import annotations

import os

import pytest

from tests.support.sampling import left_out_of_tables


@pytest.hookimpl(trylast=True)  # of what -m and -k have left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    every = int(os.environ.get("ONE_CASE_IN", "1"))
    left_out = left_out_of_tables([item.nodeid for item in items if item.nodeid.startswith("tests/contract/")], every)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]
