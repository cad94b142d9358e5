# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around every task: its errors, its signals, the way it signed in, and what a result must not show."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Refused, SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Waiting
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Kind
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import run
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    LOCKED,
    Reply,
    Service,
    ShelfKind,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

from .services import Opened, context, later

FOREVER = 1e6
UNSAFE = "validate_certs is false: anyone on the way can read passwords and tokens. Give ca_path instead."


def auth(way: str, *, accepted: bool) -> Auth:
    made = Auth()
    made.way, made.accepted = way, accepted
    return made


def ran(found: Any, params: dict[str, Any] | None = None, **surroundings: Any) -> dict[str, Any]:
    """The result of a task that ends so: with this result, or with this error."""

    async def task(params: Any, world: Any) -> dict[str, Any]:
        assert world.check_only
        world.redactor.add("hush-hush")
        world.sign_ins.update(
            spf=auth("ntlm", accepted=True), azure=auth("token", accepted=False), other=auth("", accepted=True)
        )
        if isinstance(found, Exception):
            raise found
        return dict(found)

    return later(lambda: run.run_task(task, params or {}, True, context(**surroundings)))


def test_a_result_says_how_it_was_signed_in_and_shows_no_secret() -> None:
    assert ran({"changed": True, "name": "a hush-hush b"}) == {
        "changed": True,
        "name": "a ******** b",
        "sign_in": {"spf": "ntlm"},
    }


def test_an_error_is_a_result() -> None:
    problem = Refused("says hush-hush.", subject="vm a")
    assert ran(problem) == {
        "changed": False,
        "error": Refused("says ********.", subject="vm a").to_result(),
        "msg": "vm a: says ********.",
        "sign_in": {"spf": "ntlm"},
    }


def test_whose_sign_in_was_refused_has_none() -> None:
    assert "sign_in" not in ran(SignInRefused("no."))


def test_a_warning_is_one_line_of_a_bounded_length() -> None:
    (first, second) = ran({"warnings": ["a\nhush-hush", "x" * 3001]})["warnings"]
    assert first == "a ********"
    assert second == "x" * 2999 + "…"
    assert ran({"warnings": ["x" * 3000]})["warnings"] == ["x" * 3000]


def test_without_verification_of_certificates_a_warning_stands_last() -> None:
    off = {"validate_certs": False}
    assert ran({"warnings": ["a"]}, off)["warnings"] == ["a", UNSAFE]
    assert ran({}, off)["warnings"] == [UNSAFE]
    assert "warnings" not in ran({}, {"validate_certs": True})


def signals(*numbers: int) -> Any:
    """A way on which these arrive after a second."""

    async def arriving() -> AsyncIterator[int]:
        await trio.sleep(1.0)
        for number in numbers:
            yield number
        await trio.sleep(FOREVER)

    @contextmanager
    def opened() -> Iterator[AsyncIterator[int]]:
        yield arriving()

    return opened


def test_a_task_that_has_ended_waits_for_no_signal() -> None:
    async def quick(*_given: Any) -> dict[str, Any]:
        return {"changed": False}

    async def main() -> tuple[dict[str, Any], float]:
        start = trio.current_time()
        found = await run.run_task(quick, {}, False, context(signals=signals()))
        return found, round(trio.current_time() - start, 1)

    assert later(main) == ({"changed": False}, 0.0)


def test_a_signal_ends_a_task_that_has_planned_nothing() -> None:
    async def endless(*_given: Any) -> dict[str, Any]:
        await trio.sleep(FOREVER)
        raise AssertionError

    world = context(signals=signals(signal.SIGTERM))
    found = virtual(lambda: run.run_task(endless, {}, False, world))
    assert (found["msg"], found["error"]["code"], found["changed"]) == (
        "ended by SIGTERM. Nothing was changed.",
        "interrupted",
        False,
    )


def test_a_task_that_ends_first_waits_for_no_signal_and_can_be_told_of_one() -> None:
    assert ran({"changed": False}, signals=signals()) == {"changed": False, "sign_in": {"spf": "ntlm"}}
    heard: list[str] = []

    async def task(_params: Any, world: Any) -> dict[str, Any]:
        with world.interruption.scope() as scope:
            await trio.sleep(FOREVER)
        heard.append(f"{world.interruption.signal} {scope.cancelled_caught}")
        return {"changed": True}

    found = virtual(lambda: run.run_task(task, {}, False, context(signals=signals(signal.SIGINT))))
    assert (found, heard) == ({"changed": True}, ["SIGINT True"])


class Waits(ShelfKind):
    """A shelf that takes a while to be read."""

    async def observe(self, *, for_write: bool) -> frozenset[str]:
        await trio.sleep(0.617)
        return await super().observe(for_write=for_write)


def converged(
    monkeypatch: pytest.MonkeyPatch, *, check: bool = False, concurrency: str = "3", **how: Any
) -> tuple[list[Member], float, Opened, list[str]]:
    """Two shelves brought to what they should hold, of which the first is locked for a while: and what was sent."""
    shelves, world = [Service(Reply(LOCKED, effect=False)), Service()], Opened()
    monkeypatch.setattr(run, "Providers", world)

    async def opened(providers: Any, options: RunOptions, levels: Levels) -> Sequence[Kind[Any]]:
        assert providers is world
        assert (options.poll_interval.total_seconds(), levels.reading.most) == (2.0, int(concurrency))
        return [Waits(shelves[0], "a"), Waits(shelves[1], "bc")]

    surroundings = context(check_only=check, **how.pop("surroundings", {}))
    params = {"poll_interval": "2s", "concurrency": concurrency, "wait_timeout": "2m", "spf_url": "u"}
    members, total = later(lambda: run.converge(opened, params, surroundings, **how))
    return members, total, world, [each for shelf in shelves for each in shelf.sent]


def test_all_targets_are_brought_to_what_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    members, total, world, sent = converged(monkeypatch)
    assert [each.state for each in members] == ["changed", "changed"]
    assert sent == ["+a", "+a", "+b", "+c"]
    assert total == round(total, 2) > 0.61
    assert world.is_closed
    assert (world.deadline.total, world.params["spf_url"]) == (120.0, "u")
    pressure: Any = world.context.pressure
    assert pressure("s").reading.most == 3


def test_in_check_mode_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    members, total, _world, sent = converged(monkeypatch, check=True)
    assert ([each.state for each in members], sent, total) == (["not_started"] * 2, [], 0.62)


def test_what_is_shown_of_many_is_made_once_they_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    members, *_rest = converged(monkeypatch, concurrency="1", show=lambda member: f"shown {member.state}")
    assert [each.shown for each in members] == ["shown changed"] * 2


def test_all_plans_are_reviewed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed: list[list[int]] = []
    converged(monkeypatch, review=lambda runs: reviewed.append([len(each.plan.writes) for each in runs]))
    assert reviewed == [[1, 2]]


def test_what_the_task_waits_for_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Waiting] = []
    converged(monkeypatch, surroundings={"report": heard.append})
    assert [(each.context, each.over) for each in heard][:2] == [
        ("locked by other work", False),
        ("locked by other work", True),
    ]


def test_a_signal_ends_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cancelled(Interruption):
        @contextmanager
        def scope(self) -> Iterator[Any]:
            with super().scope() as scope:
                self.signal = "SIGHUP"
                scope.cancel()
                yield scope

    members, _total, _world, sent = converged(monkeypatch, surroundings={"interruption": Cancelled()})
    told = "target s: ended by SIGHUP; no write was under way. Nothing was changed."
    assert ([str(each.error) for each in members], sent) == ([told] * 2, [])
