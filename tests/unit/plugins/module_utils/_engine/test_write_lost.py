# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a write whose answer was lost comes to: settled by reading, sent again once where it may be, or open."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Locked, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.one_write import (
    BROKE,
    OPEN,
    OPEN_DELETE,
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


async def none(_execution: Any) -> Optional[Operation]:
    return None


def finds(status: Status) -> Any:
    async def find(_execution: Any) -> Operation:
        async def poll() -> Status:
            return status

        return Operation("toy", "found", poll)

    return find


@pytest.mark.parametrize(
    ("service", "request_", "flags", "error", "sends"),
    [
        (Service(lost(), items="b"), {}, "changed done sent", None, 2),
        (Service(lost(), lost(), items="b"), {}, "sent lost", OPEN_DELETE, 2),
        (Service(lost(), lost(effect=True), items="b"), {}, "changed done sent adopted", None, 2),
        (Service(lost(), items="b"), {"may_resend": lambda _now: False}, "sent lost replan", None, 1),
        (Service(lost(), items="b"), {"may_resend": None}, "sent", OPEN_DELETE, 1),
        (Service(lost(effect=True, after=21), Reply(NotFound("gone.")), items="b"), {}, "changed done sent", None, 2),
        (Service(lost(effect=True, after=21), Reply(FAILED), items="b"), {}, "changed done sent", None, 2),
        (
            Service(lost(), Reply(FAILED, effect=False), items="b"),
            {},
            "sent lost",
            f"{BROKE.replace('create a', 'delete b')} Mend what the service names, then run the task again. [toy op2]",
            2,
        ),
        (
            Service(lost(), Reply(Locked("busy."), effect=False), items="b"),
            {},
            "sent lost",
            "busy.",
            2,
        ),
    ],
    ids=[
        "again",
        "lost twice",
        "lost twice and shown",
        "another plan",
        "never",
        "404 for the second",
        "the first was late",
        "the second fails",
        "the second is locked out",
    ],
)
def test_a_lost_delete_is_sent_again_once_where_it_may_be(
    service: Service, request_: dict[str, Any], flags: str, error: Optional[str], sends: int
) -> None:
    came = write(service, "b", **request_, result=sorted)
    assert came[:3] == (flags, error, ["-b"] * sends)
    left = ["b"] if "replan" in flags else []
    assert (came.completed, came.warnings) == (Completed(None if error else left), [])


def guessed(why: str) -> str:
    """What is said where the operation that is taken for the lost one has failed: another one may be at work."""
    return f"{OPEN.replace('after reading for 20s', f'because what may be its operation failed ({why})')} [toy found]"


@pytest.mark.parametrize(
    ("proof", "found", "effect", "can_prove", "flags", "error"),
    [
        ("reading", none, True, True, "changed done sent adopted", None),
        ("reading", finds(Status("succeeded")), True, True, "changed done sent adopted", None),
        ("reading", finds(UNKNOWN), True, True, "changed done sent adopted", None),
        ("reading", finds(FAILED), True, True, "changed sent", guessed("create a failed: the shelf broke")),
        ("reading", finds(BUSY), True, True, "changed sent", guessed("create a is locked out: it is busy")),
        ("operation", none, True, True, "changed done sent adopted", None),
        ("operation", none, True, False, "changed done sent adopted", None),
        ("operation", none, False, True, "sent", OPEN),
        ("operation", finds(Status("succeeded")), True, True, "changed done sent adopted", None),
        ("operation", finds(Status("succeeded")), False, True, "sent", f"{OPEN} [toy found]"),
        ("operation", finds(Status("succeeded")), False, False, "changed done sent adopted", None),
        ("operation", finds(UNKNOWN), False, False, "sent", f"{OPEN} [toy found]"),
        ("operation", finds(FAILED), False, True, "sent", guessed("create a failed: the shelf broke")),
    ],
)
def test_an_operation_that_may_be_the_lost_one(
    proof: str, found: Any, effect: bool, can_prove: bool, flags: str, error: Optional[str]
) -> None:
    service = Service(lost(effect=effect), items="z")
    came = write(service, proof=proof, find_lost=found, reading_can_prove=can_prove)
    assert came[:3] == (flags, error, ["+a"])
    if error is None:
        read_until_it_shows = 1 if effect else 0
        assert service.readings == read_until_it_shows + (proof == "operation"), "and once more for what it was"


def test_after_a_loss_what_counts_may_be_stricter() -> None:
    came = write(Service(lost(effect=True)), verified_after_loss=lambda _now: False)
    assert came[:2] == ("sent", OPEN)
    came = write(Service(lost(effect=True)), verified=lambda _now: False, verified_after_loss=lambda now: "a" in now)
    assert came[:2] == ("changed done sent adopted", None)


@pytest.mark.parametrize("proof", ["reading", "operation"])
def test_it_is_looked_for_as_long_as_the_target_is_busy(proof: str) -> None:
    late = lost(effect=True, after=200)
    came = write(Service(late), proof=proof, is_busy=lambda now: "a" not in now)
    assert came[:2] == ("changed done sent adopted", None)
    assert write(Service(late), proof=proof)[:2] == ("sent", OPEN)
