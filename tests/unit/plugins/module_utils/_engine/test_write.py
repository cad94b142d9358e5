# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one write comes to: the whole outcome of each way its answer, its operation and its readings can go."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Locked,
    NotFound,
    Refused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Remains
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.one_write import (
    BROKE,
    LOOK,
    MEND,
    OPEN,
    lost,
    write,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    BUSY,
    FAILED,
    UNKNOWN,
    Reply,
    Service,
)


def operation(state: Any = "succeeded", **how: Any) -> Operation:
    async def poll() -> Status:
        return Status(state)

    return Operation("toy", "found", poll, **how)


@pytest.mark.parametrize(
    ("service", "flags", "sent"),
    [
        (Service(), "changed done sent", ["+a"]),
        (Service(Reply(after=15)), "changed done sent", ["+a"]),
        (Service(Reply(UNKNOWN)), "changed done sent", ["+a"]),
        (Service(lost(effect=True)), "changed done sent adopted", ["+a"]),
        (Service(lost(effect=True, after=15)), "changed done sent adopted", ["+a"]),
        (Service(Reply(NotFound("gone.")), items="a"), "done", ["+a"]),
    ],
    ids=["at once", "a while later", "nobody knows the operation", "lost", "lost and late", "404"],
)
def test_what_reading_shows_is_done(service: Service, flags: str, sent: list[str]) -> None:
    came = write(service, result=sorted, notes=lambda _now: ("it is heavy",))
    assert came[:5] == (flags, None, sent, Completed(["a"]), ["it is heavy"])
    assert came.execution.observed == frozenset("a")
    assert came.execution.adopted is ("adopted" in flags)


@pytest.mark.parametrize(
    ("service", "flags", "error"),
    [
        (Service(lost()), "sent", OPEN),
        (
            Service(Reply(effect=False)),
            "changed sent",
            f"s: create a was reported as done, but reading does not show it after 20s. {LOOK} [toy op1]",
        ),
        (
            Service(Reply(UNKNOWN, effect=False)),
            "changed sent",
            "s: create a was accepted, but the service shows no such operation, and nothing else proves it. "
            f"{LOOK} [toy op1]",
        ),
        (Service(Reply(NotFound("gone."), effect=False)), "", "gone."),
        (
            Service(readings={1: Forbidden("no right.")}),
            "changed sent",
            "s: create a was sent, the service reports that it succeeded, and reading what came of it failed: no "
            f"right. So nothing proves it (outcome_unknown); nothing was sent twice. {LOOK} [toy op1]",
        ),
        (
            Service(readings=dict.fromkeys(range(1, 99), BadResponse("HTML.", subject="toy"))),
            "changed sent",
            "toy: HTML. create a was sent before, and the service reports that it succeeded. [toy op1]",
        ),
        (
            Service(lost(), readings=dict.fromkeys(range(1, 99), BadResponse("HTML.", subject="toy"))),
            "sent",
            "s: create a was sent, its answer was lost (no answer), and reading what came of it failed: HTML. Whether "
            f"it ran is open (outcome_unknown); nothing was sent twice. {LOOK}",
        ),
        (
            Service(lost(), readings={1: Forbidden("no right.")}),
            "sent",
            "s: create a was sent, its answer was lost (no answer), and reading what came of it failed: no right. "
            f"Whether it ran is open (outcome_unknown); nothing was sent twice. {LOOK}",
        ),
    ],
    ids=[
        "lost",
        "done and not shown",
        "unknown and not shown",
        "404",
        "cannot be read",
        "makes no sense",
        "lost and no sense",
        "lost and cannot be read",
    ],
)
def test_what_no_reading_shows_is_not(service: Service, flags: str, error: str) -> None:
    assert write(service)[:5] == (flags, error, ["+a"], Completed(), [])


@pytest.mark.parametrize(
    ("how", "flags"),
    [
        ({}, "changed done sent"),
        ({"joined": True}, "done sent"),
        ({"created": True}, "changed done sent created"),
    ],
)
def test_the_answer_says_whose_the_operation_is(how: dict[str, Any], flags: str) -> None:
    async def send() -> Operation:
        return operation(**how, warnings=("it is old",))

    came = write(Service(items="a"), send=send, notes=lambda _now: ("it is heavy",))
    assert (came.flags, came.error, came.warnings) == (flags, None, ["it is old", "it is heavy"])
    assert came.execution.operation is not None
    assert came.execution.operation.id == "found"


def test_an_operation_that_nobody_knows_has_succeeded_once_a_reading_shows_it() -> None:
    came = write(Service(Reply(UNKNOWN)))
    assert came.execution.operation is not None
    assert came.execution.operation.last.state == "succeeded"


@pytest.mark.parametrize(("status", "effect"), [(FAILED, False), (UNKNOWN, True)])
def test_what_is_not_waited_for_is_done_once_it_was_accepted(status: Status, effect: bool) -> None:
    service = Service(Reply(status, effect=effect))
    came = write(service, wait=False, result=sorted, complete=completing)
    assert came[:5] == ("changed done sent", None, ["+a"], Completed(["a"] if effect else []), [])
    assert service.readings == 1


async def completing(now: Any, execution: Any) -> Completed:
    """What goes on until the thing can be used."""
    execution.warnings.append("it is slow")
    return Completed(f"usable: {''.join(sorted(now))}", ("twin",), ("both",))


def test_it_goes_on_until_what_was_made_can_be_used() -> None:
    came = write(Service(), complete=completing)
    assert came[:5] == (
        "changed done sent",
        None,
        ["+a"],
        Completed("usable: a", ("twin",), ("both",)),
        ["it is slow"],
    )


def test_what_asks_for_another_plan_is_done_and_not_gone_on_with() -> None:
    came = write(Service(), complete=completing, replan=lambda now: "a" in now, result=sorted)
    assert came[:5] == ("changed done sent replan", None, ["+a"], Completed(["a"]), [])


def test_a_write_that_cannot_be_gone_on_with_was_done_all_the_same() -> None:
    async def fails(_now: Any, _execution: Any) -> Completed:
        raise Refused("no.")

    came = write(Service(), complete=fails)
    assert came[:2] == (
        "changed done sent",
        "s: create a was sent, the service reports that it succeeded, and reading what came of it failed: no. So "
        f"nothing proves it (outcome_unknown); nothing was sent twice. {LOOK} [toy op1]",
    )


@pytest.mark.parametrize(
    ("problem", "taken", "reading", "flags", "error"),
    [
        (Locked("busy.", status=409), True, None, "replan", None),
        (Locked("busy.", status=423), True, None, "", "busy."),
        (Locked("busy.", status=409), False, None, "", "busy."),
        (Locked("busy.", status=409), None, None, "", "busy."),
        (Refused("no.", status=400), True, None, "replan", None),
        (Refused("no.", status=400), False, None, "", "no."),
        (Refused("no.", status=409), None, None, "", "no."),
        (Refused("no.", status=400), True, Forbidden("hidden."), "", "no."),
    ],
)
def test_a_refusal_may_mean_that_somebody_else_was_first(
    problem: CheckpointError,
    taken: Optional[bool],
    reading: Optional[CheckpointError],
    flags: str,
    error: Optional[str],
) -> None:
    service = Service(Reply(problem, effect=False), items="z", readings={1: reading} if reading else {})
    asks = None if taken is None else lambda now: taken and "z" in now
    came = write(service, taken=asks, result=sorted)
    assert came[:4] == (flags, error, ["+a"], Completed(["z"] if flags else None))
    assert service.readings == (0 if taken is None or problem.status == 423 else 1)


def test_a_lock_of_a_host_becomes_one_of_the_target() -> None:
    refused = Locked("create a of target s: held by others.", subject="toy")
    refused.context = "create a of target s"
    assert write(Service(Reply(refused, effect=False))).error == "toy: create a: held by others."
    assert refused.context == "create a"
    assert write(Service(Reply(Locked("busy.", subject="toy"), effect=False))).error == "toy: busy."
    other = Refused("create a of target s: no.", subject="toy")
    other.context = "create a of target s"
    assert write(Service(Reply(other, effect=False))).error == "toy: create a of target s: no."


@pytest.mark.parametrize("may", [True, False])
def test_what_was_locked_out_has_changed_nothing_unless_it_may_have_left_something(may: bool) -> None:
    came = write(Service(Reply(BUSY, effect=False)), may_leave_remains=may)
    assert came[:2] == ("changed sent" if may else "sent", "s: create a is locked out: it is busy. [toy op1]")


@pytest.mark.parametrize(
    ("effect", "request_", "flags", "error", "warnings"),
    [
        (False, {}, "sent", f"{BROKE} {MEND}", []),
        (True, {}, "changed sent", f"{BROKE} {MEND}", []),
        (False, {"remains": None}, "changed sent", f"{BROKE} {MEND}", []),
        (
            False,
            {"remains": lambda _now: Remains(True, "Half of it is there.", "Take it.")},
            "changed sent",
            f"{BROKE} Half of it is there. Take it. [toy op1]",
            [],
        ),
        (
            False,
            {"remains": lambda _now: Remains(True, "Half of it is there.")},
            "changed sent",
            f"{BROKE} Half of it is there. {MEND}",
            [],
        ),
        (False, {"remains": lambda _now: Remains(False, "", "Take it.")}, "sent", f"{BROKE} {MEND}", []),
        (False, {"met_by_others": True}, "sent", f"{BROKE} {MEND}", []),
        (
            True,
            {"met_by_others": True},
            "done sent",
            None,
            ["create a failed (create a failed: the shelf broke), and it is as asked for all the same."],
        ),
    ],
)
def test_a_failed_operation(
    effect: bool, request_: dict[str, Any], flags: str, error: Optional[str], warnings: list[str]
) -> None:
    came = write(Service(Reply(FAILED, effect=effect)), **request_, result=sorted)
    assert came[:5] == (flags, error, ["+a"], Completed(None if error else ["a"]), warnings)


@pytest.mark.parametrize(
    ("status", "effect", "flags"),
    [(Status("succeeded"), False, "changed done sent"), (UNKNOWN, True, "changed done sent")],
)
def test_what_its_operation_proves_is_read_once_more(status: Status, effect: bool, flags: str) -> None:
    service = Service(Reply(status, effect=effect))
    came = write(service, proof="operation", result=sorted)
    assert came[:4] == (flags, None, ["+a"], Completed(["a"] if effect else []))
    assert (service.readings, came.execution.observed) == (1, {"a"} if effect else frozenset())


def test_of_an_operation_that_nobody_knows_its_end_proves_nothing() -> None:
    came = write(Service(Reply(UNKNOWN, effect=False)), proof="operation")
    assert came.error is not None
    assert came.error.startswith("s: create a was accepted, but the service shows no such operation")


def test_what_shows_while_an_operation_that_nobody_knows_is_at_work_proves_nothing() -> None:
    service = Service(Reply(UNKNOWN))
    came = write(service, is_busy=lambda _now: service.readings < 12)
    assert (came.flags, came.error, service.readings) == ("changed done sent", None, 12)
    service = Service(Reply(UNKNOWN, after=200))
    assert write(service, is_busy=lambda now: "a" not in now).flags == "changed done sent"
    service = Service(Reply(after=200))
    assert write(service, is_busy=lambda now: "a" not in now).flags == "changed sent"
