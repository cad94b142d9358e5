# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy's run that is ended at each of its requests in turn: the next run ends where the first would have."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import done
from tests.contract.policies.harness import DAY, SERVICES, make_lab, names, run
from tests.support.lab import Lab
from tests.support.wire import Killed

pytestmark = pytest.mark.thorough

OPTIONS: dict[str, Any] = {"keep": {"last": 2}, "settle_time": "20s"}


def _lab(service: str) -> Lab:
    """Four days of points, so that one is due and three go."""
    lab = make_lab(service)
    for _day in range(4):
        done(run(lab, service))
        lab.advance(DAY)
    lab.requests.clear()
    return lab


def _end(lab: Lab, service: str) -> Counter[str]:
    """The days of which there are points, and how many."""
    return Counter(name[:16] for name in names(lab, service))


@cache
def _whole(service: str) -> tuple[int, Counter[str]]:
    lab = _lab(service)
    done(run(lab, service, **OPTIONS))
    return len(lab.requests), _end(lab, service)


@pytest.mark.parametrize("when", ["watch", "heard"])
@pytest.mark.parametrize("service", SERVICES)
def test_wherever_it_is_killed_the_next_run_ends_there(service: str, when: str) -> None:
    requests, wanted = _whole(service)
    for number in range(1, requests + 1):
        lab = _lab(service)

        def strike(request: httpx.Request, lab: Lab = lab, number: int = number) -> None:
            if len(lab.requests) == number and request is lab.requests[-1]:
                raise Killed

        setattr(lab, when, strike)
        with pytest.raises(Killed):
            run(lab, service, **OPTIONS)
        lab.undisturbed()
        lab.advance(300)
        done(run(lab, service, **OPTIONS))
        assert _end(lab, service) == wanted, number
        assert done(run(lab, service, **OPTIONS))["changed"] is False, number
