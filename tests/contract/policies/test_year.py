# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of daily runs ends with exactly the points that the policy names, and nothing goes that no plan named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.contract.compute.azure_harness import done
from tests.contract.policies.harness import DAY, FOREIGN, SERVICES, deletes, make_lab, names, planned, run

ZONE = ZoneInfo("Europe/Berlin")
KEEP = {"last": 2, "daily": 7, "weekly": 4, "monthly": 11}


def _last_of(times: list[datetime], unit: Callable[[datetime], Any], count: int) -> set[datetime]:
    """The last of each of the newest `count` of those units, by the wall clock."""
    newest = {unit(at.astimezone(ZONE)): at for at in sorted(times)}
    return set(list(newest.values())[-count:])


def _expected(times: list[datetime]) -> set[datetime]:
    months = {(at.astimezone(ZONE).year, at.astimezone(ZONE).month) for at in times}
    oldest = {min(times)} if len(months) < KEEP["monthly"] else set()
    return oldest | (
        set(times[-2:])
        | _last_of(times, lambda at: at.date(), 7)
        | _last_of(times, lambda at: at.isocalendar()[:2], 4)
        | _last_of(times, lambda at: (at.year, at.month), 11)
    )


@pytest.mark.slow
@pytest.mark.parametrize("days", [40, pytest.param(366, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("service", SERVICES)
def test_daily_runs(service: str, days: int) -> None:
    lab = make_lab(service)
    made: dict[str, datetime] = {}
    gone: set[str] = set()
    for _day in range(days):
        before = set(names(lab, service))
        result = done(run(lab, service, keep=KEEP, timezone=str(ZONE)))
        after = set(names(lab, service))
        (new,) = after - before
        made[new] = datetime.fromisoformat(result["checkpoint"]["created"])
        assert before - after == set(planned(result, "delete"))
        assert set(planned(result, "keep")) == before & after
        assert result["compliance"]["compliant"]
        gone |= before - after
        lab.advance(DAY - lab.seconds + 60)
    times = list(made.values())
    assert all(at.tzinfo == UTC for at in times)
    expected = _expected(times)
    assert {made[name] for name in names(lab, service) if name in made} == expected
    assert set(names(lab, service)) - set(made) == set(FOREIGN[service])
    assert deletes(lab) == len(gone) == len(made) - len(expected)
    assert run(lab, service, check=True, keep=KEEP, timezone=str(ZONE))["series"]["usable"] == len(expected)
