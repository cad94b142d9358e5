# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A write whose answer was lost and whose second try was locked out: done late, done anew, or open to the end."""

from __future__ import annotations

from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Locked,
    OutcomeUnknown,
    Refused,
    ResponseLost,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.logged_shelf import (
    go,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    Reply,
    Service,
    ShelfKind,
)


def lost(after: float = 0.0) -> Reply:
    return Reply(ResponseLost("no answer"), effect=after > 0, after=after)


def locked() -> Reply:
    return Reply(Locked("busy."), effect=False)


def test_a_lost_delete_that_the_first_try_did_late_is_done_and_its_notes_are_told() -> None:
    replies = [Reply(ResponseLost("no answer"), after=21.0), Reply(Locked("busy."), effect=False)]
    way, problem = go(ShelfKind(Service(*replies, items="b"), "", notes=lambda _now: ("it was heavy",)))
    assert (problem, way.changed, way.warnings) == (None, True, ["target s: it was heavy"])
    (done,) = way.progress.done
    assert (done.action.title(), done.nonce, done.context) == ("delete b", "n0", "delete b")


def test_a_lost_delete_whose_second_try_is_locked_out_to_the_end_is_open() -> None:
    replies = [Reply(ResponseLost("no answer"), effect=False), *[Reply(Locked("busy."), effect=False)] * 99]
    way, problem = go(ShelfKind(Service(*replies, items="b"), ""), seconds=120.0)
    assert str(problem) == (
        "target s: delete b was sent, its answer was lost (no answer), and reading what came of it failed: busy. Still "
        "locked after 2m. Whether it ran is open (outcome_unknown); nothing was sent twice. Look at it before you run "
        "the task again."
    )
    assert isinstance(problem, OutcomeUnknown)
    assert (way.changed, way.progress.done) == (False, ())


def test_what_was_done_anew_is_open_no_longer() -> None:
    service = Service(lost(), locked(), Reply(), Reply(Refused("no."), effect=False), items="bc")
    way, problem = go(ShelfKind(service, ""))
    assert service.sent == ["-b", "-b", "-b", "-c"]
    assert (str(problem), way.changed) == ("target s: no. Done before: delete b.", True)


def test_what_is_open_stays_so_whatever_else_was_done() -> None:
    service = Service(lost(), locked(), Reply(), Reply(Refused("no."), effect=False), items="ab")
    service.before_write = took_a(service)
    _way, problem = go(ShelfKind(service, "a"))
    assert service.sent == ["-b", "-b", "+a", "-b"]
    assert str(problem) == (
        "target s: delete b was sent and reading what came of it failed: no. Whether it ran is open (outcome_unknown); "
        "nothing was sent twice. Done before: create a. Look at it before you run the task again."
    )


def took_a(service: Service) -> Any:
    """Somebody takes the item while the second write is sent."""

    async def take(_change: str) -> None:
        if len(service.sent) == 1:
            service.items.discard("a")

    return take


def test_of_two_that_were_lost_the_one_that_a_reading_shows_was_ours() -> None:
    service = Service(lost(), locked(), lost(after=21.0), locked(), items="b")

    async def add(_change: str) -> None:
        if len(service.sent) == 1:
            service.items.add("a")

    service.before_write = add
    way, problem = go(ShelfKind(service, ""))
    assert (problem, service.sent) == (None, ["-b", "-b", "-a", "-a", "-b"])
    assert [each.context for each in way.progress.done] == ["delete a", "delete b"]


def test_what_was_lost_twice_was_done_once() -> None:
    service = Service(lost(), locked(), lost(after=21.0), locked(), items="b")
    way, problem = go(ShelfKind(service, ""))
    assert (problem, service.sent) == (None, ["-b", "-b", "-b", "-b"])
    assert [each.context for each in way.progress.done] == ["delete b"]
    assert [action.title() for action in way.plan.actions] == ["delete b"]
