# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention and restic agree on what stays: `restic forget --dry-run` over a repository of made-up times."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.module_utils._policies.histories import kept, points_at, policy
from tools.restic import SKIPPED, found

pytestmark = pytest.mark.skipif(not found(), reason=f"{SKIPPED}: none is at hand; python tools/restic.py fetches it.")

ZONE = "Europe/Berlin"
# By the zone's wall clock. In the past of every clock: restic leaves out what is ahead.
TIMES = """
2019-12-31 23:59:59, 2020-02-29 12:00:00, 2020-12-28 00:30:00, 2021-01-01 00:10:00, 2021-01-03 23:50:00,
2021-01-04 00:05:00, 2022-06-01 00:00:00, 2023-02-28 12:00:00, 2023-03-01 12:00:00, 2023-03-01 12:00:01,
2023-12-31 02:00:00, 2024-01-01 02:00:00, 2024-01-31 12:00:00, 2024-02-01 12:00:00, 2024-02-28 12:00:00,
2024-02-28 12:00:01, 2024-02-29 11:59:59, 2024-02-29 12:00:00, 2024-03-01 00:30:00, 2024-03-02 12:00:00,
2024-03-02 12:00:01, 2024-03-30 01:30:00, 2024-03-30 11:30:00, 2024-03-30 12:30:00, 2024-03-31 00:59:59,
2024-03-31 01:30:00, 2024-03-31 03:30:00, 2024-03-31 03:45:00, 2024-03-31 10:00:00, 2024-03-31 12:00:00
"""
KEEPS: list[dict[str, Any]] = [
    {"last": 3},
    {"hourly": 5},
    {"daily": 4, "hourly": 2},
    {"weekly": 6},
    {"monthly": 24},
    {"yearly": 3},
    {"yearly": 30},
    {"last": 1, "daily": 3, "weekly": 4, "monthly": 5, "yearly": 10},
    {"within": "1d"},
    {"within": "24h"},
    {"within": "1mo"},
    {"within": "1y1mo"},
    {"within_hourly": "2d", "within_daily": "1mo"},
    {"within_weekly": "3mo", "within_monthly": "1y"},
    {"within_yearly": "9y"},
    {"last": 2, "within_monthly": "4y2mo3d4h"},
]

Restic = Callable[..., Any]


@pytest.fixture(scope="module")
def restic(tmp_path_factory: pytest.TempPathFactory) -> Restic:
    """restic on its repository, in that time zone."""
    home: Path = tmp_path_factory.mktemp("restic")
    (home / "file").write_text("something to save\n")
    environ = {**os.environ, "RESTIC_REPOSITORY": str(home / "repository"), "RESTIC_PASSWORD": "made up", "TZ": ZONE}

    def run(*options: str) -> Any:
        command = [found(), "--no-cache", "--quiet", "--json", *options]
        done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if options[0] in ("forget", "snapshots") else None

    run("init")
    for time in TIMES.replace("\n", " ").split(","):
        run("backup", "--time", time.strip(), "--host", "vm", "file")
    return run


def _options(keep: dict[str, Any]) -> list[str]:
    spelled = [(f"--keep-{name.replace('_', '-')}", str(value).replace("mo", "m")) for name, value in keep.items()]
    return [each for option in spelled for each in option]


def test_both_keep_the_same(restic: Restic) -> None:
    times = [datetime.fromisoformat(each["time"]) for each in restic("snapshots")]
    assert len(set(times)) == len(TIMES.split(","))
    points = points_at(*times)
    now = max(times)
    for keep in KEEPS:
        (group,) = restic("forget", "--dry-run", "--group-by", "host", *_options(keep))
        theirs = {datetime.fromisoformat(each["time"]) for each in group["keep"]}
        ours = {datetime.fromisoformat(each) for each in kept(points, policy(keep, ZONE), now)}
        assert ours == theirs, f"{keep}: ours alone {sorted(ours - theirs)}, theirs alone {sorted(theirs - ours)}"
        assert {datetime.fromisoformat(each["time"]) for each in group["remove"] or []} == set(times) - ours
