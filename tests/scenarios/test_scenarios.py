# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the table in every test run; `make scenarios` plays all of it."""

from __future__ import annotations

import pytest

from tests.scenarios.faults import FAULTS, SECOND
from tests.scenarios.player import Name, calm, play, verdict
from tests.scenarios.sample import Draw, drawn
from tests.scenarios.table import IMPOSSIBLE, KINDS, ROWS, VERBS

DRAWS = tuple(drawn(seed=1, every=4))


@pytest.mark.parametrize("draw", DRAWS, ids=str)
def test_a_case(draw: Draw) -> None:
    holds(draw)


@pytest.mark.thorough
@pytest.mark.parametrize("draw", tuple(drawn(seed=2)), ids=str)
def test_another_case(draw: Draw) -> None:
    holds(draw)


def holds(draw: Draw) -> None:
    """Every rule of the judge."""
    name = draw.name()
    broken = verdict(name).broken
    assert not broken, "\n".join([f"make scenarios CASE='{name}'", *map(str, broken)])


def test_the_sample_has_every_row_and_every_fault() -> None:
    assert {draw.first.row for draw in DRAWS} == set(ROWS)
    assert {trouble for draw in DRAWS for trouble, _at in draw.first.strikes} == set(FAULTS)
    assert {draw.second for draw in DRAWS} == {"", *SECOND}
    for row in ROWS.values():
        seconds = {draw.second for draw in DRAWS if draw.first.row == row.name and draw.second}
        writes = any(sent.writes for sent in calm(row.name))
        assert seconds == (set(SECOND) if writes and row.pairs != "none" else set()), row.name


def test_every_kind_does_everything_or_says_why_not() -> None:
    played = {f"{row.kind}/{row.verb}" for row in ROWS.values()}
    every = {f"{kind}/{verb}" for kind in KINDS for verb in VERBS}
    assert (played | set(IMPOSSIBLE)) >= every
    assert not played & set(IMPOSSIBLE)


@pytest.mark.parametrize("text", ["spf/absent/lost_answer@4/lock@6", "point/present/slow@9", "scvmm/restore+key"])
def test_a_case_is_one_story(text: str) -> None:
    """Played twice it is the same, request by request: what was printed can be replayed alone."""
    name = Name.read(text)
    assert str(name) == text
    assert play(name) == play(name)


@pytest.mark.parametrize("text", ["spf/absent/lock", "spf/absent/none@3", "spf/nothing", "spf", "spf/absent/lock@x"])
def test_what_is_no_case(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        Name.read(text)
