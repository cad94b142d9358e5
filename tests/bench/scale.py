# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long 100,000 VMs take, and what holds them up: `python -m tests.bench.scale` prints the tables of docs/scale.md.

Three steps, each held against the one before. The real client makes checkpoints on the simulator in virtual time: what
it sends is counted (`measured`). A model of workers that take tokens from ARM's documented buckets and wait for the
service (`simulated`) takes about as long for the same VMs. And the arithmetic (`bounds`) says what the model takes at
least. An operation is polled less often where each poll has to wait for its token, but once after its end.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import httpx

from simulator.arm.buckets import SIZES
from tests.support.lab import Lab

READS, WRITES, TENANT = "reads", "writes", "tenant reads"
"""Of the VM's subscription, and of the tenant: Arc's operations are read at URLs without a subscription (recorded)."""
TAKES = {"spf": 24.0, "scvmm": 24.0, "compute": 75.0}
"""Recorded: 23 to 25 s on Arc; 40 to 106 s on Azure. SPF's is taken to be Arc's, for both are VMM."""


@dataclass(frozen=True)
class Service:
    """What the checkpoint of one VM costs where nothing throttles.

    `requests` by bucket without the polls, which are `polls` in the bucket `polled` while the operation `takes`
    seconds. All requests together take `overhead` seconds more.
    """

    title: str
    requests: Mapping[str, int]
    polled: str
    polls: int
    takes: float
    overhead: float


SERVICES = {
    "spf": Service("SPF", {}, "", 9, 24.0, 4.1),
    "scvmm": Service("Arc-enabled SCVMM", {READS: 3, WRITES: 1}, TENANT, 9, 24.0, 4.1),
    "compute": Service("Azure", {READS: 9, WRITES: 2}, READS, 19, 75.0, 3.1),
}
"""At most, for the first of a series: on Azure a restore point collection is made with it. Of many VMs on Arc each is
read again before its write."""


@dataclass(frozen=True)
class Fleet:
    """So many VMs, dealt out evenly to subscriptions and slices; each slice works on `concurrency` of them at once.

    Buckets belong to a principal, and `principals` share the slices evenly; `share` is that of the documented sizes.
    """

    vms: int
    subscriptions: int
    slices: int
    concurrency: int = 64
    principals: int = 1
    share: float = 1.0

    def bucket(self, kind: str) -> tuple[float, float]:
        """The size of a bucket, and its refill per second."""
        size, rate = SIZES[READS if kind == TENANT else kind]
        return max(1.0, size * self.share), rate * self.share


def measured(kind: str, vms: int = 1, *, share: float = 0.0, concurrency: int = 64) -> tuple[Service, float]:
    """What the client sends for a checkpoint of each VM, per VM, and the virtual seconds that all of them take.

    With a `share` of ARM's buckets the service throttles, and what is sent again is counted again.
    """
    lab = Lab(arm_buckets=share, create_takes=f"{TAKES['scvmm']}s", compute_point_takes=f"{TAKES['compute']}s")
    lab.world.populate(**{kind: vms})
    named = [each["vm"] for each in lab.run("inventory", services=[kind], checkpoints=False)["rows"]]
    lab.world.buckets.clear()
    lab.requests.clear()
    result = lab.run("vm_checkpoint", vms=named, name="nightly", concurrency=concurrency, wait_timeout="30d")
    if "error" in result:
        raise RuntimeError(result["msg"])
    sent = Counter(_bucket(request) for request in lab.requests)
    known = SERVICES[kind]
    in_arm = (READS, WRITES) if known.polled else ()
    per_vm = {bucket: -(-sent[bucket] // vms) for bucket in in_arm}
    polls = -(-sent["poll"] // vms)
    overhead = round(lab.seconds - TAKES[kind], 1)
    return Service(known.title, per_vm, known.polled, polls, TAKES[kind], overhead), lab.seconds


def _bucket(request: httpx.Request) -> str:
    path = request.url.path.lower()
    if "/oauth2/" in path or "/metadata/" in path:
        return "sign-in"
    if "/operationstatuses/" in path or "/operations/" in path or path.endswith("/jobs"):
        return "poll"
    return READS if request.method == "GET" else WRITES


def bounds(service: Service, fleet: Fleet) -> dict[str, float]:
    """The least seconds by each limit alone: the buckets, and `work`, which is what so many workers need."""
    needs = Counter(service.requests)
    if service.polled:
        needs[service.polled] += 1
    found = {}
    for kind, number in needs.items():
        owners = fleet.principals * (1 if kind == TENANT else fleet.subscriptions)
        size, rate = fleet.bucket(kind)
        found[kind] = max(0.0, (number * fleet.vms / owners - size) / rate)
    workers = min(fleet.vms, fleet.slices * fleet.concurrency)
    return {**found, "work": (service.takes + service.overhead) * fleet.vms / workers}


class _Bucket:
    """Tokens, handed out in the order in which they are asked for."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate, self._level, self._at = size, rate, size, 0.0

    def take(self, now: float) -> float:
        """When the next token is there."""
        self._level = min(self._size, self._level + (now - self._at) * self._rate) - 1
        self._at = now
        return now if self._level >= 0 else now - self._level / self._rate


def simulated(service: Service, fleet: Fleet) -> float:
    """Seconds until the last VM has its checkpoint, where every worker of every slice waits for its tokens."""
    steps = [kind for kind, number in service.requests.items() for _each in range(number)]
    gap = service.overhead / max(1, len(steps))
    waiting = [deque(range(number, fleet.vms, fleet.slices)) for number in range(fleet.slices)]
    buckets: dict[tuple[str, int, int], _Bucket] = {}
    order = count()
    heap: list[tuple[float, int, int, int, int, float]] = []

    def later(at: float, place: int, vm: int, step: int = 0, ends: float = 0.0) -> None:
        """The next step of a VM, and when its operation ends."""
        heapq.heappush(heap, (at, next(order), place, vm, step, ends))

    def token(kind: str, place: int, vm: int, now: float) -> float:
        owner = -1 if kind == TENANT else vm // fleet.slices % fleet.subscriptions
        key = (kind, place % fleet.principals, owner)
        return buckets.setdefault(key, _Bucket(*fleet.bucket(kind))).take(now) if kind else now

    for place in range(fleet.slices):
        for _worker in range(min(fleet.concurrency, len(waiting[place]))):
            later(0.0, place, waiting[place].popleft())
    at = 0.0
    while heap:
        now, _turn, place, vm, step, ends = heapq.heappop(heap)
        if step < len(steps):
            later(token(steps[step], place, vm, now) + gap, place, vm, step + 1)
            continue
        if not ends:
            ends = now + service.takes + (0.0 if steps else service.overhead)
        else:
            at = token(service.polled, place, vm, now)
            if at >= ends:
                if waiting[place]:
                    later(at, place, waiting[place].popleft())
                continue
            now = at
        later(min(now + service.takes / service.polls, max(ends, now)), place, vm, step, ends)
    return at


ROWS = [
    ("spf", Fleet(100_000, 100, 4)),
    ("spf", Fleet(100_000, 100, 16)),
    ("scvmm", Fleet(100_000, 100, 4)),
    ("scvmm", Fleet(100_000, 100, 16)),
    ("scvmm", Fleet(100_000, 100, 16, principals=4)),
    ("compute", Fleet(100_000, 10, 16)),
    ("compute", Fleet(100_000, 100, 16)),
    ("compute", Fleet(100_000, 100, 64)),
    ("compute", Fleet(100_000, 1_000, 64)),
]


def costs() -> str:
    """The table of what one VM costs."""
    lines = ["| service | reads | writes | polls | the operation takes | all |", "|---|---|---|---|---|---|"]
    for each in SERVICES.values():
        numbers = [str(each.requests.get(bucket, "")) for bucket in (READS, WRITES)]
        total = each.takes + each.overhead
        lines.append(f"| {each.title} | {' | '.join(numbers)} | {each.polls} | {each.takes:.0f} s | {total:.0f} s |")
    return "\n".join(lines) + "\n"


def table(*, simulate: bool) -> str:
    """The table of fleets: the least hours by each limit, and with `simulate` what the model takes."""
    heads = ["service", "subscriptions", "slices", "principals", READS, WRITES, TENANT, "work", "simulated"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for kind, fleet in ROWS:
        service = SERVICES[kind]
        found = bounds(service, fleet)
        cells = [service.title, f"{fleet.subscriptions}", f"{fleet.slices}", f"{fleet.principals}"]
        cells += [_hours(found[limit]) if limit in found else "" for limit in (READS, WRITES, TENANT, "work")]
        cells.append(f"**{_hours(simulated(service, fleet))}**" if simulate else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f}"


if __name__ == "__main__":
    sys.stdout.write(costs() + "\n" + table(simulate="--simulate" in sys.argv))
