# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads SPF's jobs by id: many that are followed at once by one query, where the server can do that.

What SPF does with `or` is unknown. A server that refuses it is asked for one job at a time from then on, and so is one
whose answers lack jobs that it lists when asked for them alone.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._deps import anyio
from ..._http.response import Response
from . import odata
from .job_entities import JobEntity
from .reader import SpfReader

SHARED_FOR = 0.5
"""Seconds for which a reading serves other operations too: however many are followed, it takes two queries a second."""
AT_ONCE = 20
"""Jobs in one query: some 1,200 characters, where IIS takes 2,048."""

MISSES = 3
"""Jobs that an answer lacked, and that were listed when asked for alone; one alone may have been listed since."""


class Listing(t.NamedTuple):
    """One answer: jobs by id, and when they were read."""

    jobs: dict[str, JobEntity]
    response: Response
    at: float


@dataclass
class _Query:
    """One query that is under way; without a listing once it is over, it has failed."""

    over: anyio.Event
    listing: Listing | None = None


class JobReads:
    """The jobs of one SPF that one task follows."""

    def __init__(self, reader: SpfReader) -> None:
        self._reader = reader
        self._takes_or = True
        self._missed = 0
        self._followed: dict[str, Listing | None] = {}  # the latest listing of each; those read longest ago come first
        self._under_way: dict[str, _Query] = {}

    async def one(self, job_id: str, context: str) -> tuple[JobEntity | None, Response]:
        """The job as it is now; None if it is not listed."""
        jobs, response = await self._reader.find(JobEntity, "Jobs", _is(job_id), context)
        return {job.ID.lower(): job for job in jobs}.get(job_id), response

    async def follow(self, job_id: str, context: str) -> tuple[JobEntity | None, Response]:
        """The same for a job that is looked at again and again: as it was SHARED_FOR ago at the longest."""
        self._followed.setdefault(job_id, None)
        listing = await self._listing(job_id)
        job: JobEntity | None
        if listing is not None and job_id in listing.jobs:
            job, response = listing.jobs[job_id], listing.response
        else:
            job, response = await self.one(job_id, context)
            if job is not None and listing is not None:
                self._missed += 1
                if self._missed >= MISSES:
                    self._takes_or = False
        if job is not None and job.status(None).state != "running":
            self._followed.pop(job_id, None)
        return job, response

    async def _listing(self, job_id: str) -> Listing | None:
        latest = self._followed[job_id]
        if latest is not None and anyio.current_time() - latest.at <= SHARED_FOR:
            return latest
        query = self._under_way.get(job_id)
        if query is not None:
            await query.over.wait()
            return query.listing
        if not self._takes_or or len(self._followed) == 1:
            return None
        others = [each for each in self._followed if each != job_id and each not in self._under_way]
        return await self._read_together([job_id, *others[: AT_ONCE - 1]])

    async def _read_together(self, wanted: list[str]) -> Listing | None:
        query = _Query(anyio.Event())
        self._under_way.update(dict.fromkeys(wanted, query))
        conditions = [_is(each) for each in wanted]
        try:
            found = await self._reader.find_any(JobEntity, "Jobs", conditions, f"reading {len(wanted)} jobs")
            if found is None:
                self._takes_or = False
            else:
                jobs = {job.ID.lower(): job for job in found[0] if job.ID.lower() in wanted}
                query.listing = Listing(jobs, found[1], anyio.current_time())
        finally:
            for each in wanted:
                del self._under_way[each]
            query.over.set()
        for each in wanted:
            if self._followed.pop(each, query) is not query:
                self._followed[each] = query.listing
        return query.listing


def _is(job_id: str) -> str:
    return f"ID eq {odata.guid(job_id)}"
