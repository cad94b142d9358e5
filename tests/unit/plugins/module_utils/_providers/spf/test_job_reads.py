# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many jobs are read by one query where the server takes it, and one by one where it does not or answers less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Unreachable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_entities import JobEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_reads import (
    AT_ONCE,
    MISSES,
    SHARED_FOR,
    JobReads,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

IDS = [f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(1, 60)]
ANSWER: Any = object()  # nothing looks into it


class Server:
    """Jobs by id and their status; `takes` is what becomes of a query for several."""

    def __init__(self, takes: Callable[[Sequence[str]], Sequence[str] | None] = lambda ids: ids) -> None:
        self.status = dict.fromkeys(IDS, "Running")
        self.takes = takes
        self.asked: list[int] = []
        self.latency = 0.0

    async def find(self, kind: Any, entities: str, condition: str, context: str) -> tuple[list[Any], Response]:
        self.asked.append(1)
        await trio.sleep(self.latency)
        return self._jobs([condition.split("'")[1]]), ANSWER

    async def find_any(
        self, kind: Any, entities: str, conditions: Sequence[str], context: str
    ) -> tuple[list[Any], Response] | None:
        self.asked.append(len(conditions))
        await trio.sleep(self.latency)
        taken = self.takes([condition.split("'")[1] for condition in conditions])
        return None if taken is None else (self._jobs(taken), ANSWER)

    def _jobs(self, ids: Sequence[str]) -> list[JobEntity]:
        found = [(each, self.status[each]) for each in ids if each in self.status]
        return [JobEntity.model_validate({"ID": each.upper(), "Status": status}) for each, status in found]


def reads_of(server: Any) -> JobReads:
    return JobReads(server)


def follow(server: Server, ids: Sequence[str], *, every: float = 5.0, until: float = 12.0) -> dict[str, str | None]:
    """Each is looked at on its own, a little apart from the others: what each showed last."""
    reads = reads_of(server)
    seen: dict[str, str | None] = {}

    async def one(place: int, job_id: str) -> None:
        await trio.sleep(place * 0.01)
        while trio.current_time() < until:
            job, response = await reads.follow(job_id, f"reading job {job_id}")
            assert response is ANSWER
            seen[job_id] = None if job is None else job.Status
            if seen[job_id] == "Completed":
                return
            await trio.sleep(every)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for place, job_id in enumerate(ids):
                nursery.start_soon(one, place, job_id)

    virtual(main)
    return seen


def test_one_alone_is_read_alone() -> None:
    server = Server()
    follow(server, IDS[:1])
    assert server.asked == [1, 1, 1]


@pytest.mark.parametrize("latency", [0.0, 0.3, 2.0])
def test_many_are_read_by_one_query(latency: float) -> None:
    """Also for those that ask while it is under way, however long it takes; only at first each is new."""
    server = Server()
    server.latency = latency
    assert follow(server, IDS[:10]) == dict.fromkeys(IDS[:10], "Running")
    assert max(server.asked) == 10
    assert len(server.asked) <= 10 + 2, "each once, and then two rounds of all"


def test_more_than_fit_in_one_query_take_several() -> None:
    server = Server()
    assert len(follow(server, IDS[:50], until=4)) == 50
    assert max(server.asked) == AT_ONCE


def test_what_has_ended_is_asked_for_no_more() -> None:
    server = Server()
    server.status.update(dict.fromkeys(IDS[:9], "Completed"))
    seen = follow(server, IDS[:10], until=20)
    assert [seen[each] for each in IDS[:10]] == ["Completed"] * 9 + ["Running"]
    assert server.asked[-1] == 1


def test_a_reading_is_shared_for_a_moment_only() -> None:
    server = Server()

    async def main() -> list[str | None]:
        reads = reads_of(server)
        seen = []
        await reads.follow(IDS[0], "")
        await reads.follow(IDS[1], "")
        server.status[IDS[0]] = "Completed"
        for pause in (SHARED_FOR / 2, SHARED_FOR):
            await trio.sleep(pause)
            job, _answer = await reads.follow(IDS[0], "")
            seen.append(None if job is None else job.Status)
        return seen

    assert virtual(main) == ["Running", "Completed"]
    assert server.asked == [1, 2, 2]


def test_a_server_that_refuses_it_is_asked_once() -> None:
    server = Server(lambda _ids: None)
    assert follow(server, IDS[:10]) == dict.fromkeys(IDS[:10], "Running")
    assert sum(count > 1 for count in server.asked) == 1


def test_a_server_that_counts_the_first_condition_only_is_found_out() -> None:
    server = Server(lambda ids: ids[:1])
    assert follow(server, IDS[:10], until=60) == dict.fromkeys(IDS[:10], "Running")
    assert sum(count > 1 for count in server.asked) <= 9 + MISSES
    assert set(server.asked[-60:]) == {1}


def test_a_server_whose_answers_lack_what_it_lists_is_asked_so_three_times() -> None:
    server = Server(lambda _ids: [])

    async def main() -> None:
        reads = reads_of(server)
        for job_id in (IDS[0], IDS[1], IDS[0], IDS[1], IDS[0]):
            await reads.follow(job_id, "")
            await trio.sleep(1)

    virtual(main)
    assert server.asked == [1, 2, 1, 2, 1, 2, 1, 1]


def test_a_reading_is_shared_for_half_a_second_and_no_longer() -> None:
    server = Server()

    async def main() -> None:
        reads = reads_of(server)
        for job_id in (IDS[0], IDS[1], IDS[0]):
            await reads.follow(job_id, "")
        await trio.sleep(0.5)
        await reads.follow(IDS[1], "")
        assert server.asked == [1, 2]
        await trio.sleep(0.01)
        await reads.follow(IDS[0], "")

    virtual(main)
    assert server.asked == [1, 2, 2]


def test_of_an_answer_that_shows_all_jobs_those_are_kept_that_were_asked_for() -> None:
    server = Server(lambda _ids: IDS)

    async def main() -> JobReads:
        reads = reads_of(server)
        await reads.follow(IDS[0], "")
        await reads.follow(IDS[1], "")
        return reads

    kept = virtual(main)._followed[IDS[0]]
    assert kept is not None
    assert set(kept.jobs) == {IDS[0], IDS[1]}


def test_a_server_that_answers_all_jobs_is_right_too() -> None:
    server = Server(lambda _ids: IDS)
    server.status[IDS[3]] = "Completed"
    seen = follow(server, IDS[:10])
    assert (seen[IDS[3]], seen[IDS[4]], len(seen)) == ("Completed", "Running", 10)


def test_jobs_that_are_not_listed_yet_are_no_reason_to_ask_for_each_alone() -> None:
    server = Server()
    del server.status[IDS[0]]
    seen = follow(server, IDS[:10], until=60)
    assert (seen[IDS[0]], seen[IDS[1]]) == (None, "Running")
    assert sorted(server.asked[-10:]) == [1] * 5 + [10] * 5, "one query for all, and one for the one that was not there"


def test_what_ends_while_a_query_for_it_is_under_way_is_asked_for_no_more() -> None:
    server = Server()
    server.latency = 1.0
    server.status[IDS[0]] = "Completed"

    async def main() -> None:
        reads = reads_of(server)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reads.follow, IDS[0], "")
            await trio.sleep(0.1)
            nursery.start_soon(reads.follow, IDS[1], "")
        await trio.sleep(1)
        await reads.follow(IDS[1], "")

    virtual(main)
    assert server.asked == [1, 2, 1]


def test_who_waits_for_a_query_that_fails_asks_alone() -> None:
    server = Server()
    server.latency = 1.0

    def fails(_ids: Sequence[str]) -> Sequence[str]:
        raise Unreachable("the line is dead.")

    server.takes = fails

    async def main() -> list[str]:
        reads = reads_of(server)
        seen = []

        async def look(job_id: str) -> None:
            try:
                job, _answer = await reads.follow(job_id, "")
                seen.append("nothing" if job is None else str(job.Status))
            except Unreachable:
                seen.append("unreachable")

        await look(IDS[0])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look, IDS[1])
            await trio.sleep(0.1)
            nursery.start_soon(look, IDS[0])
        return seen

    assert sorted(virtual(main)) == ["Running", "Running", "unreachable"]
