# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk performs by its kind, size and tier: the tables of "Azure managed disk types", row by row."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.performance import (
    more_than,
    number_by_size,
    number_of,
    performance_of,
)

# number, GiB; IOPS and MBps of Premium SSD, Standard SSD and Standard HDD (which begins with S4)
ROWS = [
    (1, 4, (120, 25), (500, 100), None),
    (2, 8, (120, 25), (500, 100), None),
    (3, 16, (120, 25), (500, 100), None),
    (4, 32, (120, 25), (500, 100), (500, 60)),
    (6, 64, (240, 50), (500, 100), (500, 60)),
    (10, 128, (500, 100), (500, 100), (500, 60)),
    (15, 256, (1100, 125), (500, 100), (500, 60)),
    (20, 512, (2300, 150), (500, 100), (500, 60)),
    (30, 1024, (5000, 200), (500, 100), (500, 60)),
    (40, 2048, (7500, 250), (500, 100), (500, 60)),
    (50, 4096, (7500, 250), (500, 100), (500, 60)),
    (60, 8192, (16000, 500), (2000, 400), (1300, 300)),
    (70, 16384, (18000, 750), (4000, 600), (2000, 500)),
    (80, 32767, (20000, 900), (6000, 750), (2000, 500)),
]


@pytest.mark.parametrize("redundancy", ["lrs", "zrs"])
def test_each_size_of_an_ssd(redundancy: str) -> None:
    for (number, size, premium, standard, _hdd), below in zip(ROWS, [0, *(row[1] for row in ROWS)], strict=False):
        for sku, performance in ((f"premium_{redundancy}", premium), (f"standardssd_{redundancy}", standard)):
            assert {number_by_size(sku, each) for each in (below + 1, size)} == {number}, (sku, size)
            assert performance_of(sku, number) == performance, (sku, number)


def test_each_size_of_a_standard_hdd() -> None:
    for number, size, _premium, _standard, hdd in ROWS:
        assert number_by_size("standard_lrs", size) == max(number, 4)
        assert hdd is None or performance_of("standard_lrs", number) == hdd


def test_a_disk_larger_than_any_has_the_largest_tier() -> None:
    assert [number_by_size(sku, 32768) for sku in ("premium_lrs", "standardssd_lrs", "standard_lrs")] == [80, 80, 80]


@pytest.mark.parametrize("sku", ["ultrassd_lrs", "premiumv2_lrs", "unheard_lrs", ""])
def test_where_performance_is_set_or_unknown(sku: str) -> None:
    assert (performance_of(sku, 30), number_by_size(sku, 1)) == (None, 1)


def test_the_number_of_a_tier() -> None:
    found = [number_of(tier) for tier in ("P30", "e6", "P", "30", "P30x", "xP30", "")]
    assert found == [30, 6, 0, 0, 0, 0, 0]


def test_more_is_what_is_known_to_be_more() -> None:
    assert [more_than(shown, 5) for shown in (4, 5, 6, None)] == [False, False, True, False]
    assert not more_than(6, None)
