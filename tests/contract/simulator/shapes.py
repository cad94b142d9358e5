# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where published examples and recorded traffic lie, and how an answer's shape is compared with theirs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DATA = Path(os.environ.get("HYBRIDVM_DATA") or ROOT.parent / "shared" / "data")


def needs(*parts: str) -> pytest.MarkDecorator:
    """Skip where somebody has no copy of that part; our own transcripts are compared everywhere."""
    path = DATA.joinpath(*parts)
    return pytest.mark.skipif(not path.exists(), reason=f"no {'/'.join(parts)} (set HYBRIDVM_DATA)")


def load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def exclusions(of: str) -> dict[str, str]:
    """Path in the shape -> why it is not compared; every line of the file has a reason."""
    chosen: dict[str, str] = load(HERE / "exclusions.json")[of]
    return chosen


def differences(expected: Any, actual: Any, path: str = "", *, strict: bool = True) -> list[str]:
    """Where members or types differ; `strict`: `actual` has no members of its own either."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = [f"{path}.{name} is missing" for name in expected if name not in actual]
        if strict:
            found += [f"{path}.{name} is extra" for name in actual if name not in expected]
        for name in expected:
            if name in actual:
                found += differences(expected[name], actual[name], f"{path}.{name}", strict=strict)
        return found
    if isinstance(expected, list) and isinstance(actual, list):
        if expected and not actual:
            return [f"{path}[] is empty"]
        return [
            each for left, right in zip(expected, actual, strict=False) for each in _elements(left, right, path, strict)
        ]
    if type(expected) is not type(actual):
        return [f"{path} is {type(actual).__name__}, not {type(expected).__name__}"]
    return []


def _elements(expected: Any, actual: Any, path: str, strict: bool) -> list[str]:
    return differences(expected, actual, f"{path}[]", strict=strict)


def compared(expected: Any, actual: Any, of: str, *, strict: bool = True) -> list[str]:
    """`differences` without those that are excluded for a reason."""
    known = exclusions(of)
    return [each for each in differences(expected, actual, strict=strict) if each.partition(" ")[0] not in known]
