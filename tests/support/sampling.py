# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of which `make test` plays a part, the same always, and `make test WHOLE=1` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(every: int, cases: Iterable[Any], left_out: pytest.MarkDecorator = pytest.mark.thorough) -> list[Any]:
    """The cases for `parametrize`; all but the first of each `every` are `left_out`. A tuple is several arguments."""
    given = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=[left_out] if number % every else []) for number, case in enumerate(given)]
