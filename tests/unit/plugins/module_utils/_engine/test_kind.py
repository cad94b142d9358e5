# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind that says nothing of its own does, and one of which nothing could be read."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden, InvalidInput, Refused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import (
    InProgress,
    Kind,
    Note,
    Remains,
    Reversals,
    WriteRequest,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.unread import Unread
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import SHELF, Put

A, B = Put(SHELF, "asked", item="a"), Put(SHELF, "asked", item="b")
EXECUTION: Any = None


class Bare(Kind[str]):
    """Only what every kind has to say."""

    async def observe(self, *, for_write: bool) -> str:
        return f"read, for_write={for_write}"

    def plan(self, observed: str, progress: Progress[str]) -> Plan:
        return Plan(SHELF)

    def write(self, action: Action, observed: str, progress: Progress[str]) -> WriteRequest[str]:
        raise AssertionError


def test_each_reading_is_one_for_a_write_but_the_one_that_proves_it() -> None:
    kind = Bare()
    assert asyncio.run(kind.first_reading()) == "read, for_write=True"
    assert asyncio.run(kind.read_before(A, "known")) == "read, for_write=True"
    assert asyncio.run(kind.prove("known")) == "read, for_write=False"


def test_nothing_stands_in_the_way_of_a_kind_that_names_nothing() -> None:
    kind, progress = Bare(), Progress[str]()
    assert (kind.is_fresh("known"), kind.is_busy("known"), kind.at_once) == (True, False, (32, 256))
    assert asyncio.run(kind.in_progress("known", progress)) == ("known", None)
    assert asyncio.run(cast(Any, kind).require_ready(Plan(SHELF), "known")) is None
    assert asyncio.run(kind.readiness("known", EXECUTION)) == Completed()
    assert kind.compensation(A, "known") == ()
    assert asyncio.run(kind.describe_state("known", progress)) is None
    assert [kind.is_for_all(each) for each in (InvalidInput("no"), Forbidden("no"), Refused("no"))] == [
        True,
        False,
        False,
    ]


def test_of_what_it_has_done_or_left_open_nothing_is_proven_to_be_its() -> None:
    progress = Progress[str](done=(Done(A),), open=(B,))
    assert Bare().reversals("known", progress) == Reversals((), (), (A, B))


def test_a_write_is_proven_by_a_reading_and_never_sent_again_unless_it_says_otherwise() -> None:
    bare = WriteRequest[str]("making it", cast(Any, None), bool)
    assert (bare.proof, bare.reading_can_prove, bare.nonce) == ("reading", True, "")
    assert (bare.met_by_others, bare.may_leave_remains) == (False, False)
    assert (bare.replan("known"), bare.notes("known"), bare.result("known")) == (False, (), None)
    optional = (bare.verified_after_loss, bare.may_resend, bare.taken, bare.find_lost, bare.remains, bare.complete)
    assert optional == (None,) * 6


def test_work_in_progress_stands_before_a_plan_and_says_no_more_than_it_is_told() -> None:
    assert InProgress("busy") == InProgress("busy", None, None, None, None, False, False)
    assert Note("It stands halfway.") == Note("It stands halfway.", "")
    assert Remains(True) == Remains(True, "", "")


def test_what_could_not_be_looked_up_is_that_error_and_never_planned() -> None:
    problem = Forbidden("no right.")
    unread = Unread(SHELF, problem)
    for for_write in (True, False):
        with pytest.raises(Forbidden) as caught:
            asyncio.run(unread.observe(for_write=for_write))
        assert caught.value is problem
    assert unread.problem is problem
    assert unread.plan(None, Progress()) == Plan(SHELF)
    with pytest.raises(TypeError, match=r"^target s was not read$"):
        unread.write(A, None, Progress())
