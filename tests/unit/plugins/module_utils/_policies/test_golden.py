# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on whole histories, written down in golden/: `REGENERATE=1 pytest …/test_golden.py` writes them anew.

What has changed is then read in the difference, by somebody who knows what should have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration, parse_time
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import Point, Verdict, retain
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._policies.histories import policy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(GOLDEN.glob("*.golden"))


def read_points(given: list[dict[str, Any]]) -> Iterator[Point]:
    """Points as a file lists them: each of its own, or `every` so long from one time `until` another."""
    for each in given:
        fields = dict(each)
        every = fields.pop("every", None)
        at, until = (None if fields.get(name) is None else parse_time(fields[name]) for name in ("at", "until"))
        fields.pop("until", None)
        if "pin_until" in fields:
            fields["pin_until"] = parse_time(fields["pin_until"])
        if every is None:
            yield Point(**{"id": each["at"], **fields, "at": at})
            continue
        assert at is not None
        assert until is not None
        yield from _every(parse_duration(every), at, until, fields)


def _every(step: timedelta, at: datetime, until: datetime, fields: dict[str, Any]) -> Iterator[Point]:
    while at <= until:
        yield Point(**{**fields, "id": f"{at:%Y-%m-%dT%H:%M:%SZ}", "at": at})
        at += step


def told(verdict: Verdict) -> str:
    """A verdict on one line."""
    return f"{'keep' if verdict.keep else 'GOES'}  {verdict.point.id:20}  {verdict.rule:15}  {verdict.reason}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_history(path: Path) -> None:
    case, mark, _golden = path.read_text("utf-8").partition("---verdicts---\n")
    given = yaml.safe_load(case)
    points = list(read_points(given["points"]))
    found = retain(points, policy(**given["policy"]), parse_time(given["now"]))
    lines = "".join(f"{told(verdict)}\n" for verdict in found)
    hold(path, lines, before=case + mark)


def test_there_are_histories() -> None:
    assert len(CASES) >= 8
