# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints are asked whether all of them is there, and what is said of one that is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import NoOp, Power, Update
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.clock_warnings import clock_warnings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.planner import plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.readiness import (
    mark_arriving,
    require_ready,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Obstructed,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    WEB01,
    ago,
    having,
    ours,
    point,
    present,
    restore,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual


async def _poll() -> Status:
    raise AssertionError


RUNNING = Operation("arm", None, _poll, last=Status("running", "at 40 %"))
FAILED = Operation("arm", None, _poll, last=Status("failed", message="its data could not be copied"))


class Provider:
    """A service that shows some checkpoints as still arriving, or as failed."""

    def __init__(self, shown: Mapping[str, Operation]) -> None:
        self._shown = shown
        self.asked: list[str] = []

    async def readiness(self, _actual: object, checkpoint: Checkpoint) -> Operation | None:
        self.asked.append(checkpoint.id)
        return self._shown.get(checkpoint.id)


def marked(
    spec: Spec, *points: Checkpoint, **shown: Operation
) -> tuple[list[str], list[str], tuple[Checkpoint, Operation] | None]:
    """Who was asked, the usability of all, and what is waited for."""
    provider = Provider(shown)

    async def main() -> tuple[ObservedVm, tuple[Checkpoint, Operation] | None]:
        return await mark_arriving(cast(Any, provider), spec, having(*points), CheckpointProgress())

    observed, first = virtual(main)
    return provider.asked, [each.usability for each in observed.checkpoints], first


A, B, C = ours("a1", "1h"), ours("b2", "2h"), ours("c3", "3h")
UPDATE = Update(WEB01, "why", checkpoint=A, description="new")
SERIES, SUPERSEDE = present(max_age="1d"), present(supersede=True)


def test_the_newest_that_is_whole_decides() -> None:
    assert marked(SERIES, C, B, A) == (["a1"], ["usable"] * 3, None)
    assert marked(SERIES, C, B, A, a1=RUNNING) == (["a1", "b2"], ["usable", "usable", "arriving"], None)
    assert marked(SERIES, B, A, a1=FAILED, b2=FAILED) == (["a1", "b2"], ["unusable", "unusable"], None)


def test_one_that_is_open_for_another_reason_is_passed_over() -> None:
    unknown = replace(A, usability="unknown")
    assert marked(SERIES, B, unknown)[0] == ["a1", "b2"]
    assert marked(SUPERSEDE, C, B, unknown)[:2] == (["a1", "b2"], ["usable", "usable", "unknown"])


def test_with_max_age_the_newest_that_arrives_is_waited_for() -> None:
    asked, shown, first = marked(SERIES, B, A, a1=RUNNING, b2=RUNNING)
    assert (asked, shown, first) == (["a1", "b2"], ["arriving", "arriving"], (A, RUNNING))


@pytest.mark.parametrize("spec", [SUPERSEDE, present()])
def test_without_it_nothing_is_waited_for(spec: Spec) -> None:
    arriving = replace(A, usability="arriving")
    assert marked(spec, arriving, a1=RUNNING) == (["a1"], ["arriving"], None)


def test_of_a_restore_nothing_is_asked_here() -> None:
    assert marked(restore(), A, a1=RUNNING) == ([], ["usable"], None)


def required(spec: Spec, *points: Checkpoint, **shown: Operation) -> list[str]:
    observed, provider = having(*points), Provider(shown)
    made = plan(spec, observed, SERVICE)
    virtual(lambda: require_ready(cast(Any, provider), spec, made, observed))
    return provider.asked


@pytest.mark.parametrize(
    ("shown", "kind", "said"),
    [
        (
            RUNNING,
            VmState,
            'checkpoint "nightly" is not usable yet: its data is still on its way (at 40 %). Nothing was changed. Run '
            "the task again when all of it is there.",
        ),
        (
            FAILED,
            Obstructed,
            'checkpoint "nightly" is not usable: its data could not be copied. Nothing was changed. Choose '
            "another one.",
        ),
    ],
)
def test_a_restore_goes_to_what_is_all_there(shown: Operation, kind: type[CheckpointError], said: str) -> None:
    with pytest.raises(kind) as raised:
        required(restore(), A, a1=shown)
    assert str(raised.value) == said
    assert required(restore(), A) == ["a1"]
    assert required(SERIES, A, a1=shown) == []


@pytest.mark.parametrize(
    ("spec", "made"),
    [
        (present(description="new"), Plan(WEB01, (UPDATE,), satisfied_by=A)),
        (restore(), Plan(WEB01, (), satisfied_by=A)),
        (restore(), Plan(WEB01, (NoOp(WEB01, "it is done", checkpoint=A),), satisfied_by=A)),
        (restore(), Plan(WEB01, (Power(WEB01, "why"),))),
    ],
)
def test_what_restores_to_nothing_asks_for_nothing(spec: Spec, made: Plan) -> None:
    provider = Provider({"a1": RUNNING})
    virtual(lambda: require_ready(cast(Any, provider), spec, made, having(A)))
    assert provider.asked == []


# Clocks ---------------------------------------------------------------------------------------------------------------

SERVER = "the service's clock (its Date header) is {} this machine's."
POINTS = 'checkpoint "nightly" ({}) has its time from a clock that is {} the service\'s.'


def skewed(point_id: str, stamped: str, created: str | None) -> Checkpoint:
    """A mark says what the Date header was; `created` is the time that the service shows."""
    return ours(point_id, stamped, created=None if created is None else ago(created))


@pytest.mark.parametrize(
    ("ahead", "points", "said"),
    [
        (0.0, [A], []),
        (60.0, [A], []),
        (61.0, [A], [SERVER.format("1m1s ahead of")]),
        (-7200.0, [A], [SERVER.format("2h behind")]),
        (0.0, [skewed("a1", "2h", "1h")], [POINTS.format("a1", "1h ahead of")]),
        (0.0, [skewed("a1", "1h", "2h")], [POINTS.format("a1", "1h behind")]),
        (0.0, [point("x"), skewed("a1", "1h", None), skewed("b2", "2h", "1h")], [POINTS.format("b2", "1h ahead of")]),
        (0.0, [skewed("a1", "2h", "1h"), skewed("b2", "3h", "1h")], [POINTS.format("a1", "1h ahead of")]),
        # Behind our clock by what the service's own is ahead of it: reported already.
        (3600.0, [skewed("a1", "1h", "2h")], [SERVER.format("1h ahead of")]),
        (
            7200.0,
            [skewed("a1", "1h", "2h")],
            [SERVER.format("2h ahead of"), POINTS.format("a1", "1h behind")],
        ),
    ],
)
def test_what_is_said_of_clocks(ahead: float, points: list[Checkpoint], said: list[str]) -> None:
    assert clock_warnings(having(ahead=ahead), points) == said
