# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of an operation of Microsoft.Compute, as a document and as the answer it will have been."""

from __future__ import annotations

import re
from typing import Any

from simulator.arm.common import ArmError
from simulator.azure.jobs import AzureJob
from simulator.azure.model import AzureVm, Disk, DiskPoint
from simulator.compute.common import answered, refusal_answer, stamped
from simulator.compute.shapes import access_shape, disk_shape
from simulator.compute.vm_shapes import storage_shape
from simulator.wire.exchange import Answer, Call
from simulator.world import World

STATUS_PATH = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft\.Compute/locations/[^/]+/"
    r"(?P<kind>operations|DiskOperations)/(?P<id>[^/]+)",
    re.IGNORECASE,
)


def poll(world: World, call: Call) -> Answer:
    """Always 200 with a `status` (recorded); with monitor=true 202 until it is done, then what it has come to."""
    found = STATUS_PATH.fullmatch(call.path)
    job = world.azure.jobs.get(found["id"].lower()) if found else None
    if found is None or job is None or job.disk_rp is not (found["kind"].lower() == "diskoperations"):
        raise ArmError(404, "NotFound", "The entity was not found in this Azure location.", gateway=False)
    monitor = job.queries.get(call.raw_query)
    if monitor is None:
        if world.switches.compute_signed_urls:
            raise ArmError(
                403, "InvalidOperationStatusUri", "The signature of the operation status URI is wrong."
            )  # [I]
        monitor = call.query.get("monitor", "").lower() == "true"
    world.azure.look(job)
    headers = _retry_after(world, job)
    if monitor:
        if job.running:
            return Answer(202, [("Location", f"{call.origin}{call.target}"), *headers])
        return _outcome(world, job)
    body: dict[str, Any] = {"startTime": stamped(world, job.started)}
    if job.finished is not None:
        body["endTime"] = stamped(world, job.finished)
    body["status"] = job.status
    if job.failure is not None and not job.running:
        body["error"] = job.failure.body()
    elif not job.running and job.subject is not None:
        body["properties"] = {"output": _shown(world, job)}
    body["name"] = job.id
    return answered(200, body, headers)


def _outcome(world: World, job: AzureJob) -> Answer:
    """Exactly what the call would have answered had it waited (ARM's rule for Location)."""
    if job.failure is not None:
        return refusal_answer(world, job.failure)
    if job.subject is None:
        return Answer(200)
    return answered(200, _shown(world, job))


def _shown(world: World, job: AzureJob) -> dict[str, Any]:
    subject = job.subject
    if isinstance(subject, Disk):
        return disk_shape(world, subject)
    if isinstance(subject, AzureVm):
        return storage_shape(world, subject)
    if isinstance(subject, DiskPoint):
        return access_shape(subject)
    raise TypeError(f"an operation does not show a {type(subject).__name__}")


def _retry_after(world: World, job: AzureJob) -> list[tuple[str, str]]:
    """None was recorded but on a poll of a change of a VM."""
    seconds = world.switches.compute_retry_after
    if job.kind in {"vm", "attach"}:
        seconds = seconds or world.switches.compute_vm_retry_after
    return [("Retry-After", str(seconds))] if seconds and job.running else []
