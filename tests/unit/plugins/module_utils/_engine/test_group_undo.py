# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What undoing a group comes to on each target: what was taken back, what was not, and what kept it from that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Forbidden,
    Locked,
    Refused,
    ResponseLost,
    SignInRefused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    FAILED,
    Reply,
    Service,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelves import (
    UNDO,
    Shelves,
    error_of,
    states,
    struck,
)

NO_ROOM = Reply(FAILED, effect=False)
MEND = "Mend what the service names, then run the task again."
Undone = tuple[str, list[str], Optional[str]]


def undone(members: list[Member]) -> list[Optional[Undone]]:
    """The whole of what became of undoing each."""
    return [
        None
        if member.undo is None
        else (
            member.undo.state,
            [action.title() for action in member.undo.removed],
            None if member.undo.error is None else str(member.undo.error),
        )
        for member in members
    ]


def fails_after(seconds: float) -> Service:
    service = Service(NO_ROOM)

    async def late(_change: str) -> None:
        await trio.sleep(seconds)

    service.before_write = late
    return service


def test_what_a_failed_target_had_made_before_is_taken_back_and_said() -> None:
    shelves = Shelves(Service(), Service(Reply(), NO_ROOM), wanted="ab")
    members = shelves.run()
    assert undone(members) == [("removed", ["delete a", "delete b"], None), ("removed", ["delete a"], None)]
    assert shelves.sent == ["s1+a", "s1+b", "s2+a", "s2+b", "s2-a", "s1-a", "s1-b"]
    assert str(error_of(members[1])) == (
        "target s2: create b failed: the shelf broke. Done before: create a. What it had left behind was removed: the "
        f"group was undone. {MEND} [toy op2]"
    )
    assert states(members) == ["undone", "failed"]


def test_what_is_gone_already_counts_as_removed_and_nothing_is_said_of_it() -> None:
    services = [Service(), Service(NO_ROOM)]
    services[0].before_reading = lambda count: services[0].items.discard("a") if count == 3 else None
    members = Shelves(*services).run()
    assert undone(members) == [("removed", [], None), ("not_needed", [], None)]
    assert services[0].readings == 3
    assert str(error_of(members[1])) == f"target s2: create a failed: the shelf broke. {MEND} [toy op1]"


def test_a_target_on_which_nothing_was_begun_is_not_read_to_undo_it() -> None:
    services = [Service(NO_ROOM), Service()]
    assert undone(Shelves(*services).run()) == [("not_needed", [], None)] * 2
    assert services[1].readings == 1


def test_beside_one_that_makes_something_one_without_anything_to_do_is_left_alone() -> None:
    services = [Service(items="b"), Service(items="a")]
    shelves = Shelves(*services)
    assert states(shelves.run()) == ["changed", "unchanged"]
    assert shelves.sent == ["s1+a", "s1-b"], "what was made is not made again"
    assert [service.readings for service in services] == [4, 1]


def test_a_signal_hides_no_sign_in_that_kept_a_target_from_being_undone() -> None:
    services = [Service(), Service(), Service(Reply(SignInRefused("no.", status=401), effect=False))]
    interruptions: list[Interruption] = []
    services[1].before_write = struck("-a", interruptions)
    shelves = Shelves(*services)
    shelves.kinds[2].target = replace(shelves.kinds[2].target, service="other")
    assert undone(shelves.run(strike=interruptions.append)) == [
        ("not_tried", [], "target s1: ended by SIGTERM before it was undone."),
        ("unknown", [], "target s2: ended by SIGTERM before it was undone."),
        ("not_tried", [], "target s3: no."),
    ]


def test_behind_a_lock_what_is_to_be_taken_back_is_found_anew() -> None:
    """What has gone while it was locked is not removed: what bears its name by then is somebody else's."""
    services = [Service(Reply(), Reply(Locked("busy."), effect=False)), Service(NO_ROOM)]
    services[0].before_reading = lambda count: services[0].items.discard("a") if count == 4 else None
    shelves = Shelves(*services)
    assert undone(shelves.run()) == [("removed", [], None), ("not_needed", [], None)]
    assert shelves.sent == ["s1+a", "s2+a", "s1-a"]
    assert services[0].readings == 4


def test_a_lock_in_between_is_waited_out_and_the_rest_taken_back() -> None:
    locked = Reply(Locked("busy."), effect=False)
    services = [Service(Reply(), Reply(), Reply(), locked, locked), Service(NO_ROOM)]
    shelves = Shelves(*services, wanted="ab")
    assert undone(shelves.run()) == [("removed", ["delete a", "delete b"], None), ("not_needed", [], None)]
    assert shelves.sent == ["s1+a", "s1+b", "s2+a", "s1-a", "s1-b", "s1-b", "s1-b"]


def test_what_cannot_be_taken_back_says_why_and_what_was() -> None:
    services = [Service(Reply(), Reply(), Reply(), Reply(Refused("no."), effect=False)), Service(NO_ROOM)]
    members = Shelves(*services, wanted="ab").run()
    assert undone(members) == [("failed", ["delete a"], "target s1: no."), ("not_needed", [], None)]
    assert [each.title() for each in members[0].reconciler.progress.actions] == ["create b"]


def test_what_cannot_be_read_is_not_taken_back() -> None:
    services = [Service(readings={3: Forbidden("no right.")}), Service(NO_ROOM)]
    members = Shelves(*services).run()
    assert undone(members) == [("failed", [], "target s1: no right."), ("not_needed", [], None)]


def test_what_is_open_is_not_taken_back_while_the_rest_is() -> None:
    lost = Reply(ResponseLost("no answer"), effect=False)
    members = Shelves(Service(Reply(), lost), wanted="ab").run()
    assert undone(members) == [("unknown", ["delete a"], None)]
    assert states(members) == ["outcome_unknown"]


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(590.0, "removed"), (597.0, "removed"), (598.5, "removed"), (599.0, "removed"), (599.2, "not_tried")],
)
def test_where_no_time_is_left_nothing_is_undone(seconds: float, state: str) -> None:
    shelves = Shelves(Service(), fails_after(seconds))
    members = shelves.run()
    due = "not_needed" if state == "removed" else "not_tried"
    assert [each and each[0] for each in undone(members)] == [state, due]
    assert ("s1-a" in shelves.sent) is (state == "removed")


@pytest.mark.parametrize(("other", "sent"), [("toy", []), ("other", ["s2-a", "s1-a"])])
def test_a_refused_sign_in_concerns_its_service_only(other: str, sent: list[str]) -> None:
    refused = SignInRefused("no.", status=401)
    shelves = Shelves(Service(), Service(), Service(Reply(refused, effect=False)))
    shelves.kinds[2].target = replace(shelves.kinds[2].target, service=other)
    members = shelves.run()
    assert shelves.sent[3:] == sent
    found = ("removed", ["delete a"], None) if sent else ("not_tried", [], "target s3: no.")
    assert undone(members) == [found, found, ("not_tried", [], "target s3: no.")]


@pytest.mark.parametrize("order", ["given", "parallel"])
def test_where_nothing_was_to_be_made_nothing_is_read_again(order: Any) -> None:
    services = [Service(items="ab"), Service(items="a")]
    members = Shelves(*services).run(Group(order=order))
    assert states(members) == ["changed", "unchanged"]
    assert [service.readings for service in services] == [2, 1]


def test_a_signal_while_a_group_is_undone_ends_no_target_that_was_on_its_way() -> None:
    services = [Service(items="b"), Service(items="b"), Service(NO_ROOM)]
    interruptions: list[Interruption] = []
    services[1].before_write = struck("-a", interruptions)
    members = Shelves(*services).run(strike=interruptions.append)
    assert states(members) == ["stopped", "stopped", "failed"]
    assert [member.error is None for member in members] == [True, True, False]


def test_a_failure_in_the_second_stage_ends_it_and_undoes_nothing() -> None:
    services = [Service(items="b"), Service(Reply(), NO_ROOM, items="b"), Service(items="b")]
    shelves = Shelves(*services)
    members = shelves.run()
    assert shelves.sent == ["s1+a", "s2+a", "s3+a", "s1-b", "s2-b"]
    assert undone(members) == [None, None, None]
    assert states(members) == ["changed", "failed", "stopped"]


def test_a_target_that_is_finished_after_the_first_stage_is_left_alone_in_the_second() -> None:
    services = [Service(), Service(items="b")]
    members = Shelves(*services).run()
    assert states(members) == ["changed", "changed"]
    assert [service.readings for service in services] == [2, 4]


@pytest.mark.parametrize(
    ("group", "when", "expected"),
    [
        (Group(), "s2+a", [None, None, None]),
        (
            UNDO,
            "s2+a",
            [
                ("not_tried", [], "target s1: ended by SIGTERM before it was undone."),
                ("not_tried", [], "target s2: ended by SIGTERM before it was undone."),
                ("not_needed", [], None),
            ],
        ),
        (
            UNDO,
            "s2-a",
            [
                ("not_tried", [], "target s1: ended by SIGTERM before it was undone."),
                ("unknown", [], "target s2: ended by SIGTERM before it was undone."),
                ("not_needed", [], None),
            ],
        ),
        (
            UNDO,
            "s1-a",
            [
                ("unknown", [], "target s1: ended by SIGTERM before it was undone."),
                ("removed", ["delete a"], None),
                ("not_needed", [], None),
            ],
        ),
    ],
)
def test_what_a_signal_kept_from_being_undone(group: Group, when: str, expected: list[Optional[Undone]]) -> None:
    services = [Service(), Service(), Service(*([NO_ROOM] if "-" in when else []))]
    interruptions: list[Interruption] = []
    services[int(when[1]) - 1].before_write = struck(when[2:], interruptions)
    members = Shelves(*services).run(group, strike=interruptions.append)
    assert undone(members) == expected
