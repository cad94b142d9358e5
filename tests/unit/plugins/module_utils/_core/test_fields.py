# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and times as options: texts are read in our own way, and what is read already stays as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.fields import (
    Duration,
    OptionsModel,
    Time,
    TimeOrDuration,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options

MOMENT = datetime(2026, 11, 20, 8, tzinfo=UTC)
HOURS = timedelta(hours=4)
NO_TIME = "is not a time; write it like 2026-11-20T08:00:00Z or 2026-11-20T09:00:00+01:00"
NO_DURATION = "is not a duration; write it like 90s, 4h or 1d12h"


class Options(OptionsModel):
    duration: Duration | None = None
    moment: Time | None = None
    either: TimeOrDuration | None = None


@pytest.mark.parametrize(
    ("option", "given", "read"),
    [
        ("duration", "4h", HOURS),
        ("duration", HOURS, HOURS),
        ("moment", "2026-11-20T09:00:00+01:00", MOMENT),
        ("moment", MOMENT, MOMENT),
        ("either", "2026-11-20T09:00:00+01:00", MOMENT),
        ("either", "2026-11-20 08:00:00Z", MOMENT),
        ("either", MOMENT, MOMENT),
        ("either", "4h", HOURS),
        ("either", "1000w", timedelta(weeks=1000)),
        ("either", HOURS, HOURS),
    ],
)
def test_what_is_read(option: str, given: Any, read: object) -> None:
    assert getattr(validate_options(Options, {option: given}), option) == read


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"duration": "soon"}, f"duration: 'soon' {NO_DURATION}"),
        ({"duration": ["4h"]}, "duration: Input should be a valid timedelta"),
        ({"moment": "soon"}, f"moment: 'soon' {NO_TIME}"),
        ({"moment": ["soon"]}, "moment: Input should be a valid datetime"),
        ({"either": "2026-11-20"}, f"either: '2026-11-20' {NO_TIME}"),
        ({"either": "soon"}, f"either: 'soon' {NO_DURATION}"),
        ({"either": "202-1-1"}, f"either: '202-1-1' {NO_DURATION}"),
        (
            {"either": ["4h"]},
            "either.datetime: Input should be a valid datetime; either.timedelta: Input should be a valid timedelta",
        ),
        ({"other": 1}, "other: Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_options(Options, options)
    assert str(caught.value) == told
