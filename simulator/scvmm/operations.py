# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running operations of Microsoft.ScVmm: signed status URLs and what they answer."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from simulator.arm.common import ArmError, arm_time, certificate, encoded
from simulator.vmm.jobs import Job, Kind, Status
from simulator.wire.exchange import Answer, Call, json_answer
from simulator.world import Operation, World

STATUS_PATH = re.compile(
    r"/providers/Microsoft\.ScVmm/locations/(?P<location>[^/]+)/operationStatuses/(?P<id>[^/]+)", re.IGNORECASE
)
_SIGNED_QUERY = re.compile(r"api-version=[^&]+&t=[^&]+&c=[^&]+&s=(?P<signature>[^&]+)&h=[^&]+")


def begin(world: World, call: Call, job: Job, resource_id: str, etag: str) -> Operation:
    """Register an operation for a job that has just begun."""
    digest = hashlib.sha256(resource_id.lower().encode()).hexdigest().upper()
    operation = Operation(f"{job.id}*{digest}", job, resource_id, call.query["api-version"], etag)
    world.operations[operation.id.lower()] = operation
    return operation


def polling_headers(world: World, call: Call, operation: Operation, *, first: bool = True) -> list[tuple[str, str]]:
    """Azure-AsyncOperation and Location with one and the same URL; Retry-After only if switched on (recorded: none)."""
    switches = world.switches
    url = call.origin + status_target(world, operation, first=first)
    headers = []
    if switches.arc_polling_headers in {"both", "azure-asyncoperation"} or (first and operation.job.kind is Kind.PUT):
        headers.append(("Azure-AsyncOperation", url))
    if switches.arc_polling_headers in {"both", "location"} and not (first and operation.job.kind is Kind.PUT):
        headers.append(("Location", url))
    if switches.arc_retry_after:
        headers.append(("Retry-After", str(switches.arc_retry_after)))
    return headers


def status_target(world: World, operation: Operation, *, first: bool) -> str:
    """A status URL's path and query, signed, about 4 KB long; later ones have the location in lower case (recorded)."""
    location = world.arc.location.upper() if first else world.arc.location.lower()
    path = f"/providers/Microsoft.ScVmm/locations/{location}/operationStatuses/{operation.id}"
    ticks = int((world.now() + 62135596800) * 10**7)
    head = f"{path}?api-version={operation.version}&t={ticks}&c="
    tail = f"&h={encoded(hashlib.sha256(str(ticks).encode()).digest())}"
    room = world.switches.arc_status_url_bytes - len(head) - len(tail) - 3 - 43
    head += certificate(world, max(8, room))
    return f"{head}&s={_signature(world, head, tail)}{tail}"


def poll(world: World, call: Call) -> Answer:
    """The status of an operation; any byte of its URL changed, and there is no answer but a refusal."""
    path = STATUS_PATH.fullmatch(call.raw_path)
    query = _SIGNED_QUERY.fullmatch(call.raw_query)
    if path is None or query is None:
        raise ArmError(403, "InvalidOperationStatusUri", "The operation status URI is not signed.")  # [I]
    start, end = query.span("signature")
    head = f"{call.raw_path}?{call.raw_query[: start - 3]}"
    if not hmac.compare_digest(_signature(world, head, call.raw_query[end:]), query["signature"]):
        raise ArmError(403, "InvalidOperationStatusUri", "The signature of the operation status URI is wrong.")  # [I]
    operation = world.operations.get(path["id"].lower())
    if operation is None:
        raise ArmError(404, "NotFound", f"The operation status '{path['id']}' was not found.")
    job: Job = operation.job
    world.arc.vmm.look(job=job)
    lifetime = world.switches.arc_status_lifetime
    if lifetime and job.finished is not None and world.now() > job.finished + lifetime:
        raise ArmError(404, "NotFound", f"The operation status '{path['id']}' was not found.")
    return _status_answer(world, call, operation, path["location"])


def _status_answer(world: World, call: Call, operation: Operation, location: str) -> Answer:
    job = operation.job
    base = f"/providers/Microsoft.ScVmm/locations/{location}/operationStatuses/{operation.id}"
    body: dict[str, Any] = {
        "id": base,
        "name": operation.id,
        "resourceId": operation.resource_id,
        "status": _word(world, operation),
        "startTime": arm_time(job.started),
    }
    headers = [("ETag", operation.etag)]
    if job.running:
        if operation.on_resource:
            return json_answer(200, body, [*headers, ("Vary", "Accept-Encoding")])
        status = world.switches.arc_poll_running_status
        if status == 202:
            headers += polling_headers(world, call, operation, first=not world.switches.arc_new_location)
        elif world.switches.arc_retry_after:
            headers.append(("Retry-After", str(world.switches.arc_retry_after)))
        return json_answer(status, body, headers)
    body["endTime"] = arm_time(job.finished or 0)
    if job.refusal is not None:
        body["error"] = {"code": job.refusal.symbol, "message": job.refusal.text()}
    elif _empty_error(world, operation):
        body["error"] = {}
    body["properties"] = None
    return json_answer(200, body, [*headers, ("Vary", "Accept-Encoding")])


def _word(world: World, operation: Operation) -> str:
    job = operation.job
    if not job.running:
        return job.status.value if job.status in {Status.FAILED, Status.CANCELED} else "Succeeded"
    if job.kind is Kind.REMOVE:
        return "Deleting"
    if operation.on_resource:
        return "Accepted"
    return "Accepted" if job.progress(world.now()) < 50 else "InProgress"


def _empty_error(world: World, operation: Operation) -> bool:
    position = world.switches.arc_error_member
    return position == "always" or (position == "recorded" and operation.on_resource)


def _signature(world: World, head: str, tail: str) -> str:
    return encoded(hmac.digest(world.signing_key.encode(), f"{head}|{tail}".encode(), "sha256"))
