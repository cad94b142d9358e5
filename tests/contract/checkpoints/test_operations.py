# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of operations is complete, nothing in it is dead, and it says where the exchanges come from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fnmatch import fnmatch

import pytest

from tests.contract.checkpoints import operations
from tests.contract.checkpoints.external_sources import Published, Source, folder, sources

HERE = "tests.contract.checkpoints."


def test_which_source_was_used(record_property: Callable[[str, object], None]) -> None:
    used = [source.name for source in sources()]
    record_property("exchanges", ", ".join(used))
    assert used == (["transcribed"] if folder() is None else ["published", "transcribed"])


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_every_file_is_used_or_excluded_with_a_reason(source: Source) -> None:
    for name in source.names():
        counts = operations.used(name), operations.excluded(name)
        assert sum(map(bool, counts)) == 1, f"{name}: {counts}"


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_nothing_in_the_list_is_dead(source: Source) -> None:
    listed = set(operations.USED) | (set(operations.EXCLUDED) if isinstance(source, Published) else set())
    dead = [pattern for pattern in listed if not any(fnmatch(name, pattern) for name in source.names())]
    assert not dead


def test_every_use_names_a_test() -> None:
    for test in operations.USED.values():
        module, _dot, function = test.partition(".")
        found = importlib.import_module(HERE + module)
        assert not function or callable(getattr(found, function)), test


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_every_recorded_exchange_is_a_step_or_excluded(source: Source) -> None:
    for exchange in source.recording():
        left_out = [(method, end) for method, end in operations.UNRECORDED if exchange.method == method]
        assert bool(operations.step(exchange)) != bool(left_out), exchange.url
