# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a switch is declared."""

from __future__ import annotations

import functools
from dataclasses import field
from typing import Any

_documented = functools.partial(field)  # a helper may make fields, which pylint believes of classes only


def switch(default: Any, doc: str, source: str, *choices: str) -> Any:
    """A documented field; `source` says where the default comes from ([U]: nowhere)."""
    return _documented(default=default, metadata={"doc": doc, "source": source, "choices": choices})
