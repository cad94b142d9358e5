# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's jobs: which one a write started, and its status.

The response header x-ms-request-id of a write is the VMM job's id if it is a GUID (the vendor's own cmdlets use it).
Without it the VM's MostRecentTaskId is read, which background refreshers may have replaced.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import timedelta

from ..._core.model import Checkpoint
from ..._core.operation import Operation, Status
from ..._core.spec import is_guid
from ..._core.targets import VM
from ..._deps import anyio
from ..._http.response import Response
from . import odata
from .entities import VmEntity
from .job_entities import JobEntity
from .job_reads import JobReads
from .reader import SpfReader

VISIBLE_WITHIN = 60.0
"""Seconds in which a new job may not be listed yet; the vendor's own cmdlets poll without end."""


class Jobs:
    """The jobs of one SPF."""

    def __init__(self, reader: SpfReader) -> None:
        self._find, self._reads = reader.find, JobReads(reader)

    def started(
        self, response: Response, vm: VM, started: float, work: str, names: t.Collection[str] = ()
    ) -> Operation:
        """The job that an accepted write started; `work` is its verb, and `names` are what its texts may quote.

        Without the header, a job of the same verb that began since is taken for it. It may be another run's, so its
        failure does not count as that of the write.
        """
        job_id = str(response.headers.get("x-ms-request-id")).lower()
        if is_guid(job_id) and job_id.strip("0-"):
            poll = self._by_id(job_id, started, names)
            return Operation("job", job_id, poll, started, request_id=response.request_id)
        sent = response.date

        async def by_vm() -> Status:
            _task, found = await self._most_recent(vm)
            if found is None or found.checkpoint_work(vm.id) != work:
                return _invisible(started)
            if sent is not None and found.StartTime is not None and found.StartTime < sent - _SLACK:
                return _invisible(started)
            operation.id = found.ID.lower()
            status = found.status(response.request_id)
            return Status("unknown", status.text) if status.state == "failed" else status

        operation = Operation("job", None, by_vm, started, request_id=response.request_id)
        return operation

    async def current_operation(self, vm: VM) -> Operation | None:
        """The VM's most recent task, if it is checkpoint work, or not listed (yet): then its `work` is None."""
        task, found = await self._most_recent(vm)
        if task is None:
            return None
        started = anyio.current_time()
        if found is None:
            return self._unlisted(task, started, vm)
        work = found.checkpoint_work(vm.id)
        if work is None:
            return None
        poll = self._by_id(task, started)
        return Operation("job", task, poll, started, last=found.status(None), began=found.StartTime, work=work)

    async def creation(self, vm: VM, checkpoint: Checkpoint) -> Operation | None:
        """The job that was to make a checkpoint, if it still runs or has failed.

        A row without a host's id does not say which of them is true (seen: six minutes old and made), its job does.
        """
        result = f"ResultObjectID eq {odata.guid(checkpoint.id)}"
        found, _response = await self._find(JobEntity, "Jobs", result, f"looking for the job of {checkpoint.name}")
        made = [
            job
            for job in found
            if (job.ResultObjectID or "").lower() == checkpoint.id and job.checkpoint_work(vm.id) == "create"
        ]
        named = (vm.name, checkpoint.name)
        state = next((status for job in made if (status := job.status(None, named)).state != "failed"), None)
        if not made or (state is not None and state.state != "running"):
            return None
        failed, started = made[0].status(None, named), anyio.current_time()
        last = state or replace(failed, message=f"creating it failed: {failed.message.rstrip('. ')}")
        job_id = made[0].ID.lower()
        return Operation("job", job_id, self._by_id(job_id, started, named), started, last=last, joined=True)

    def _by_id(self, job_id: str, started: float, names: t.Collection[str] = ()) -> t.Callable[[], t.Awaitable[Status]]:
        async def poll() -> Status:
            job, response = await self._reads.follow(job_id, f"reading job {job_id}")
            return _invisible(started) if job is None else job.status(response.request_id, names)

        return poll

    def _unlisted(self, job_id: str, started: float, vm: VM) -> Operation:
        """A job of which only the id is shown; the first look that finds it sets its `work`."""

        async def poll() -> Status:
            job, response = await self._reads.follow(job_id, f"reading job {job_id}")
            if job is None:
                return _invisible(started)
            operation.work = job.checkpoint_work(vm.id) or "other"
            return job.status(response.request_id)

        operation = Operation("job", job_id, poll, started, last=Status("unknown", "not visible"))
        return operation

    async def _most_recent(self, vm: VM) -> tuple[str | None, JobEntity | None]:
        """The id of the VM's most recent task, and the task if it is listed."""
        context = f"looking for the job of {vm}"
        machines, _response = await self._find(VmEntity, "VirtualMachines", f"ID eq {odata.guid(vm.id)}", context)
        task = {machine.ID.lower(): machine.MostRecentTaskId for machine in machines}.get(vm.id)
        if not task or not is_guid(task):
            return None, None
        job, _response = await self._reads.one(task.lower(), context)
        return task.lower(), job


_SLACK = timedelta(seconds=5)


def _invisible(started: float) -> Status:
    """The status of a job that is not listed: running while it may still appear, then unknown."""
    young = anyio.current_time() - started < VISIBLE_WITHIN
    return Status("running" if young else "unknown", "not visible yet" if young else "not visible")
