# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of which `make test` plays a part, the same always, and `make test WHOLE=1` all."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def one_in(every: int, cases: Iterable[Any], left_out: pytest.MarkDecorator | None = None) -> list[Any]:
    """The cases for `parametrize`; all but the first of each `every` are `left_out`, else thorough.

    A tuple is several arguments.
    """
    left_out = left_out or pytest.mark.thorough  # looked up here: who imports this file need not know our markers
    given = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=[left_out] if number % every else []) for number, case in enumerate(given)]


def left_out_of_tables(node_ids: Sequence[str], every: int) -> set[str]:
    """The cases that one in `every` leaves out: of each function with as many cases or more, given in their order.

    Where a function begins depends on its name, so that together they play every service and not the first alone.
    """
    functions = [node_id.partition("[")[0] for node_id in node_ids]
    cases, seen, left_out = Counter(functions), Counter[str](), set()
    for node_id, function in zip(node_ids, functions, strict=True):
        number = seen[function] + zlib.crc32(function.encode())
        seen[function] += 1
        if cases[function] >= every and number % every:
            left_out.add(node_id)
    return left_out
