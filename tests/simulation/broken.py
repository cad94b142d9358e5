# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that break a promise, and which seeds of a kind of story show that.

When stories change, so do the seeds that catch one: run the test's file with the first and the last seed to be tried,
as in `python -m tests.simulation.test_policies 1 200`, which lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import ResponseLost
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import wait
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from tests.simulation.script import SERVICES
from tests.simulation.soak import STORIES, judged


class Broken(NamedTuple):
    """How a client is broken, what no longer holds of it then, and seeds of which at least one shows that."""

    patch: Callable[[], Any]
    breaks: str
    seeds: tuple[int, ...]

    def shows(self, about: str, seed: int) -> bool:
        """Whether that seed's story shows it."""
        with self.patch():
            return self.breaks in judged(STORIES[about](seed, SERVICES, (2, 4))).kinds

    def check(self, about: str) -> None:
        """One of the seeds shows it, and of the client as it is none does."""
        assert any(self.shows(about, seed) for seed in self.seeds)
        whole = [judged(STORIES[about](seed, SERVICES, (2, 4))) for seed in self.seeds]
        assert not any(self.breaks in each.kinds for each in whole)


async def sent_again(self: Http, method: str, url: str, *, context: str, headers: Any, **more: Any) -> Any:
    """A write that is sent once more when its answer is lost."""
    try:
        return await WRITE(self, method, url, context=context, headers=headers, **more)
    except ResponseLost:
        return await WRITE(self, method, url, context=context, headers=headers, **more)


WRITE = Http.write


async def never_failed(policy: Any, operation: Any, _subject: str, _context: str) -> Any:
    """A wait that takes every end for a good one."""
    return await wait(operation, policy.deadline, policy.poll_interval, subject="", context="")


def list_seeds(about: str, broken: Mapping[str, Broken]) -> None:
    """Print the seeds that show each; the first and the last one to be tried are the arguments."""
    first, last = map(int, sys.argv[1:3])
    for what, each in broken.items():
        found = [seed for seed in range(first, last + 1) if each.shows(about, seed)]
        sys.stdout.write(f"{what}: {found}\n")
        sys.stdout.flush()
