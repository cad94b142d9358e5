# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about fleets on Azure under its hourly limit, where all that counts towards it can be seen.

Policies that ask for more checkpoints than Azure allows in an hour run again and again. They remove nothing, nobody
else makes any, and no two of them are about one VM at a time: so each can know when the next create is possible.
"""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.azure_generator import SERIES
from tests.simulation.fault_generator import troubles
from tests.simulation.policy_generator import POLICY
from tests.simulation.script import Kill, Script, Task
from tests.simulation.switch_positions import positions

VISIBLE = {"compute_hourly_limit": "429", "compute_frequency": "hourly", "compute_failed_point": "left"}
# Without a Date header only a clock that may be wrong says when the hour is over.
LEFT_AS_THEY_ARE = ("date_header", "compute_max_points", "compute_max_collections", *VISIBLE)
MINUTES = 60.0


def fleets(seed: int, services: tuple[str, ...], turns: tuple[int, int] = (2, 4)) -> Script:
    """A seed's story about fleets; there is none without Azure."""
    rng = random.Random(f"fleets {seed} {'compute' in services}")
    vms = [f"compute{number}" for number in range(1, rng.randint(3, 6) + 1)]
    half = rng.randint(1, len(vms) - 1)
    tasks: list[Task] = []
    for some in (vms[:half], vms[half:]):
        tasks += _tasks(rng, tuple(some), len(tasks), rng.randint(*turns) + 1)
    others = {name: value for name, value in positions(rng, ["compute"]).items() if name not in LEFT_AS_THEY_ARE}
    machines = [{"name": name, "os_disk": {"files": {"/app": "1"}}} for name in vms]
    empty: dict[str, Any] = {"vms": []}
    return Script(
        seed=seed,
        switches={**others, **VISIBLE},
        document={"spf": empty, "scvmm": empty, "compute": {"vms": machines, "collections": []}},
        tasks=tuple(tasks),
        troubles=tuple(troubles(rng, tasks)),
        skew=rng.choice((0.0, 0.0, 7.0, -20.0)),
        limit_is_visible=True,
    )


def _tasks(rng: random.Random, vms: tuple[str, ...], number: int, count: int) -> list[Task]:
    """One policy, run again and again: the next run begins when the one before is over."""
    options: dict[str, Any] = {"prefix": SERIES[0], "min_good": 1, "max_age": rng.choice(("1m", "5m", "10m"))}
    options |= {"max_deletes": 5, "poll_interval": rng.choice(("5s", "20s")), "settle_time": "60s"}
    start, made = round(rng.uniform(0, 60), 1), []
    for place in range(count + 2):
        wait = 3 if place < 3 else rng.choice((3, 20, 70, 70))
        kill, again = None, None
        if rng.random() < 0.2:
            kill = Kill(int(rng.triangular(1, 40, 10)), rng.choice(("sent", "heard")))
        given = {**options, "wait_timeout": f"{wait}m"}
        made.append(Task(number + place, start, POLICY, "compute", vms, given, kill=kill, again=again))
        start = round(start + wait * MINUTES + rng.uniform(10, 300), 1)
    return made
