# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old something is where clocks disagree: one clock counts, and where none can be chosen the oldest age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.clocks import age, difference

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _ago(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("created", "stamped", "ahead", "seconds"),
    [
        (None, None, 0, None),
        (None, 100, 0, None),  # no time of its own: nobody knows
        (100, None, 0, 100),
        (100, 100, 0, 100),
        (100, 100, 3600, 100),  # both of the service's clock: ours is not asked
        (100, 160, 0, 100),  # agree within a minute: the creation time counts
        (100, 161, 0, 161),  # do not agree: the two readings of the Date header count
        (161, 100, 0, 100),
        (100, None, 60, 100),
        (100, None, -61, 161),  # without a stamp the oldest age that any clock gives
        (100, None, 61, 100),
        (100, 130, -61, 130),
        (1000, -60, 0, -60),  # stamped a minute ahead of the Date header: still read
        (1000, -61, 0, 1000),  # further ahead: that stamp says nothing
        (100, -61, -60, 100),  # and our clock is not asked, for it agrees with the service's
        (-3600, None, 0, -3600),
        (-100, -100, -3600, -100),  # both of the service's clock: ours is not asked, whatever they say
    ],
)
def test_an_age(created: float | None, stamped: float | None, ahead: float, seconds: float | None) -> None:
    assert age(_ago(created), _ago(stamped), NOW, ahead) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (60, ""), (-60, ""), (61, "1m1s ahead of"), (-61, "1m1s behind"), (3600, "1h ahead of")],
)
def test_a_difference_that_is_noticed(seconds: float, words: str) -> None:
    assert difference(seconds) == words
