# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each further kind of trouble is played, and shows a client that does not withstand it.

When stories change, so do the seeds that catch a client: run `python -m tests.simulation.test_further_troubles`, which
lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import kind as _kind
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import planner as _planner
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import model as _model
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.clocks import Reading
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine import write as _write
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.fleet import Fleet
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import tls as _tls
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import reader as _spf
from tests.simulation.generator import script
from tests.simulation.script import SERVICES
from tests.simulation.soak import judged
from tests.support.sampling import one_in

Patch = Callable[[], Any]


async def _any_404_is_absence(arm: Arm, url: str, *, context: str, grouped: bool = False) -> Any:
    response = await arm._read(url, context)
    if response.status not in (200, 404):
        raise arm.error(response, context=context)
    return response if response.status == 200 else None


def _by_the_date_header(found: Reading) -> float:
    return found.by_dates


def _as_it_is(problem: Any, *_known: Any, **_more: Any) -> Any:
    return problem


def _locked_all_the_same(problem: Any) -> Any:
    return problem


async def _says_nothing(_fleet: Fleet, _signal: str) -> None:
    return


async def _goes_on(interruption: Interruption, signals: Any) -> None:
    with signals() as received:
        async for _number in received:
            interruption.signal = "SIGTERM"


def _only_at_first(approval: Approval, plans: Any, *, part: bool = False, done: Any = ()) -> None:
    if not part:
        CHECK(approval, plans, part=part, done=done)


CHECK = Approval.check
BROKEN: dict[str, tuple[Patch, str, tuple[int, ...]]] = {
    "takes any 404 for absence": (
        lambda: mock.patch.object(Arm, "find", _any_404_is_absence),
        "nobody else's 404 is an absence",
        (84, 129, 170, 428),
    ),
    "compares the creation time with the Date header": (
        lambda: mock.patch.object(_model, "age", _by_the_date_header),
        "max_age makes one, and none in each run",
        (33, 35, 99, 113),
    ),
    "believes the clocks in silence": (
        lambda: mock.patch.object(_planner, "clock_warnings", return_value=[]),
        "a skew of clocks is reported",
        (13, 33, 35),
    ),
    "knows a checkpoint by its exact name only": (
        lambda: mock.patch.object(Checkpoint, "was_asked_as", return_value=False),
        "no series where names are normalised",
        (15, 27, 35, 47),
    ),
    "takes a broken handshake for distrust": (
        lambda: mock.patch.object(_tls, "_was_closed", return_value=False),
        "a broken handshake is no distrust",
        (5, 11, 19, 46),
    ),
    "shows the error of a reading as the write's": (
        lambda: mock.patch.multiple(_write, what_is_known=_as_it_is),
        "no error denies what was sent",
        (13, 499, 591),
    ),
    "takes a locked reading for a locked write": (
        lambda: mock.patch.multiple(_spf, error_of_reading=_locked_all_the_same),
        "no error denies what was sent",
        (2591, 5140, 6621, 8002),
    ),
    "ends by a signal without telling": (
        lambda: mock.patch.object(Fleet, "interrupt", _says_nothing),
        "what was started is reported",
        (14, 42, 64),
    ),
    "goes on after a signal": (
        lambda: mock.patch.object(Interruption, "watch", _goes_on),
        "nothing is sent behind a signal",
        (14, 42, 63),
    ),
    "leaves a VM off in silence": (
        lambda: mock.patch.object(_kind, "_left_off", return_value=None),
        "a VM is never off in silence",
        (63, 610, 1036, 1464),
    ),
    "skips the approval after a lock": (
        lambda: mock.patch.object(Approval, "check", _only_at_first),
        "only what was approved is done",
        (21, 39, 61, 89),
    ),
}
"""How the client is broken, what no longer holds of it, and the seeds of which at least one shows that."""


def shows(seed: int, patch: Patch, breaks: str) -> bool:
    """Whether a seed's story shows that `breaks` does not hold of the client so patched."""
    with patch():
        return breaks in judged(script(seed, SERVICES)).kinds


@pytest.mark.parametrize("what", one_in(5, BROKEN))
def test_a_client_that_does_not_withstand_it_is_caught(what: str) -> None:
    patch, breaks, seeds = BROKEN[what]
    assert any(shows(seed, patch, breaks) for seed in seeds)
    assert not any(breaks in judged(script(seed, SERVICES)).kinds for seed in seeds)


def main() -> None:
    """The seeds that catch each broken client; the first and last seed are the arguments."""
    first, last = map(int, sys.argv[1:3])
    for what, (patch, breaks, _seeds) in BROKEN.items():
        found = [seed for seed in range(first, last + 1) if shows(seed, patch, breaks)]
        sys.stdout.write(f"{what}: {found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
