# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/scale.md: a VM costs no more than it says; the model takes as long as the client, and keeps its limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bench.scale import ROWS, SERVICES, TENANT, Fleet, bounds, costs, measured, simulated, table

PAGE = (Path(__file__).resolve().parents[3] / "docs/scale.md").read_text()


@pytest.mark.parametrize("kind", SERVICES)
def test_a_vm_costs_no_more_than_the_page_says(kind: str) -> None:
    """Raise or lower the constants, and print the tables again, where the client has changed."""
    found, seconds = measured(kind)
    known = SERVICES[kind]
    assert all(number <= known.requests[bucket] for bucket, number in found.requests.items())
    assert found.polls <= known.polls
    assert seconds <= known.takes + known.overhead + 0.1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "fleet"),
    [
        ("scvmm", Fleet(24, 1, 1, 8)),
        ("scvmm", Fleet(32, 1, 1, 16, share=0.05)),
        ("compute", Fleet(8, 1, 1, 8, share=0.1)),
    ],
)
def test_the_model_takes_as_long_as_the_client(kind: str, fleet: Fleet) -> None:
    """Within a third: the client waits whole seconds, and all that were refused come back at once."""
    share = fleet.share if fleet.share < 1 else 0.0
    _found, seconds = measured(kind, fleet.vms, share=share, concurrency=fleet.concurrency)
    assert simulated(SERVICES[kind], fleet) == pytest.approx(seconds, rel=1 / 3)


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("fleet", [Fleet(2000, 1, 4), Fleet(2000, 4, 16), Fleet(2000, 4, 4, 16, principals=2)])
def test_the_model_takes_no_less_than_any_limit(kind: str, fleet: Fleet) -> None:
    least = bounds(SERVICES[kind], fleet)
    took = simulated(SERVICES[kind], fleet)
    assert took >= max(least.values()) * 0.99
    assert took <= sum(least.values()) + 2 * (SERVICES[kind].takes + SERVICES[kind].overhead)


def test_the_tenants_reads_do_not_get_less_with_more_subscriptions() -> None:
    one, many = (bounds(SERVICES["scvmm"], Fleet(10_000, number, 4)) for number in (1, 100))
    assert one[TENANT] == many[TENANT] == (10_000 - 250) / 25
    assert one["reads"] == (30_000 - 250) / 25 > many["reads"]


def test_the_pages_tables_are_those_of_the_script() -> None:
    assert costs() in PAGE
    rows = re.findall(r"^\| (?:SPF|Arc|Azure)[^|]*(?:\|[^|\n]*){8}\|$", PAGE, re.M)
    plain = [re.sub(r"\*\*[\d.]+\*\*", "", row).split("|") for row in rows]
    printed = [line.split("|") for line in table(simulate=False).splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in plain] == [[cell.strip() for cell in row] for row in printed]
    assert len(plain) == len(ROWS)
