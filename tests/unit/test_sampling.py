# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cases of a table the quick runs leave out: not those of the later services always."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.support.sampling import left_out_of_tables

SERVICES = ("spf", "scvmm", "compute")


def cases(function: str, arguments: tuple[str, ...] = SERVICES) -> list[str]:
    return [f"tests/contract/test_x.py::{function}[{each}]" for each in arguments]


def played(node_ids: list[str], every: int) -> list[str]:
    left_out = left_out_of_tables(node_ids, every)
    return [node_id for node_id in node_ids if node_id not in left_out]


def test_one_in_one_leaves_nothing_out() -> None:
    assert left_out_of_tables(cases("test_a"), 1) == set()


@pytest.mark.parametrize("number", range(20))
def test_one_of_three_is_played(number: int) -> None:
    assert len(played(cases(f"test_{number}"), 3)) == 1


def test_of_many_cases_a_third_is_played_evenly() -> None:
    given = cases("test_a", tuple(f"{number:02}" for number in range(30)))
    places = [given.index(node_id) for node_id in played(given, 3)]
    assert len(places) == 10
    assert {later - earlier for earlier, later in pairwise(places)} == {3}


def test_all_functions_together_play_every_service() -> None:
    given = [node_id for number in range(40) for node_id in cases(f"test_{number}")]
    services = [node_id.partition("[")[2] for node_id in played(given, 3)]
    assert {service: services.count(service) > 5 for service in services} == dict.fromkeys(
        ("spf]", "scvmm]", "compute]"), True
    )


def test_it_is_the_same_sample_always() -> None:
    given = [node_id for number in range(5) for node_id in cases(f"test_{number}")]
    names = [node_id.partition("::")[2] for node_id in played(given, 3)]
    assert names == ["test_0[scvmm]", "test_1[spf]", "test_2[scvmm]", "test_3[compute]", "test_4[spf]"]


def test_fewer_cases_than_that_and_no_table_at_all_are_played() -> None:
    given = [*cases("test_a", ("True", "False")), "tests/contract/test_x.py::test_b"]
    assert left_out_of_tables(given, 3) == set()


def test_the_cases_of_two_functions_do_not_count_as_one_table() -> None:
    given = [*cases("test_a", ("1", "2")), *cases("test_b", ("1", "2"))]
    assert left_out_of_tables(given, 3) == set()
