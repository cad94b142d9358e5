# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every answer of Microsoft.Compute has in common: versions, errors, times, pages, status URLs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import orjson

from simulator.arm.common import ArmError, certificate, page_start
from simulator.azure.jobs import AzureJob, Refused
from simulator.wire.exchange import Answer, Call
from simulator.world import World

# ComputeRP, newest last; which ones there are besides those in docs/services.md is [I].
COMPUTE_VERSIONS = (
    "2019-07-01",
    "2019-12-01",
    "2020-06-01",
    "2020-12-01",
    "2021-03-01",
    "2021-04-01",
    "2021-07-01",
    "2021-11-01",
    "2022-03-01",
    "2022-08-01",
    "2022-11-01",
    "2023-03-01",
    "2023-07-01",
    "2023-09-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
    "2025-11-01",
    "2026-03-01",  # pinned by the JavaScript SDK @azure/arm-compute 24.1
    "2026-04-01",
)
# DiskRP has versions of its own; disk restore points know no others.
DISK_VERSIONS = (
    "2019-07-01",
    "2020-09-30",
    "2020-12-01",
    "2021-04-01",
    "2021-08-01",
    "2021-12-01",
    "2022-03-02",
    "2022-07-02",
    "2023-01-02",
    "2023-04-02",
    "2023-10-02",
    "2024-03-02",
    "2025-01-02",
    "2026-03-02",
)


@dataclass(frozen=True)
class ComputeRequest:
    """A request for something of Microsoft.Compute: the names in its path, and the api-version it is answered in."""

    call: Call
    id: str  # the path without a slash at its end
    group: str | None
    names: tuple[str, ...]
    version: str

    @property
    def method(self) -> str:
        return self.call.method

    @property
    def parent(self) -> str:
        """The id of the resource two steps up the path, or one up when the path ends in an action."""
        return self.id.rpartition("/")[0]

    def expands(self, what: str) -> bool:
        return self.call.query.get("$expand", "").lower() == what.lower()

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; ArmError for anything else."""
        try:
            document = self.call.json()
        except ValueError as error:
            raise ArmError(400, "InvalidRequestContent", f"The request content was invalid: {error}") from None
        if not isinstance(document, dict):
            raise ArmError(400, "InvalidRequestContent", "The request content is not an object.")
        return document

    def not_possible(self) -> ArmError:
        return ArmError(405, "MethodNotAllowed", f"{self.method} is not possible on '{self.id}'.")

    def since(self, version: str) -> None:
        """Refused when this request was made with an older api-version (the words are documented)."""
        if self.version < version:
            raise Refused(400, "BadRequest", f"This request can be made with api-version '{version}' or newer")


def stamped(world: World, moment: float) -> str:
    """`2023-05-26T02:58:23.7898371+00:00`: seven digits and an offset that need not be zero (recorded 2023, 2026)."""
    moment += world.switches.compute_clock_skew
    offset = world.switches.compute_time_offset
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    shift = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    when = datetime.fromtimestamp(moment, UTC).astimezone(timezone(shift))
    return f"{when:%Y-%m-%dT%H:%M:%S}.{int(moment % 1 * 10**7):07d}{offset}"


def answered(status: int, document: object, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """JSON over several lines with CRLF, as Compute writes it (recorded); the standard library is slow at those."""
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2).replace(b"\n", b"\r\n")
    vary = [("Vary", "Accept-Encoding")] if status == 200 else []
    return Answer(status, [("Content-Type", "application/json; charset=utf-8"), *vary, *headers], body)


def refusal_answer(world: World, refusal: Refused) -> Answer:
    """`{"error": ...}`; Compute's own 429 has nothing around it (documented), or has (switch)."""
    headers = [] if refusal.retry_after is None else [("Retry-After", str(refusal.retry_after))]
    bare = refusal.status == 429 and world.switches.compute_429_body == "bare"
    return answered(refusal.status, refusal.body() if bare else {"error": refusal.body()}, headers)


def missing(type_: str, name: str, group: str | None) -> ArmError:
    """ARM's own 404 (recorded for another provider)."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.Compute/{type_}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def paged(world: World, call: Call, entries: Sequence[dict[str, Any]]) -> Answer:
    """A list, in pages when that is switched on; nextLink is absent on the last one (recorded)."""
    switches, token = world.switches, call.query.get("$skipToken")
    size = switches.compute_page_size
    start = page_start(call)
    page: dict[str, Any] = {"value": list(entries)}
    after: int | None = None
    if size:
        if switches.compute_empty_page and token is None:
            page, after = {"value": []}, 0
        else:
            page = {"value": list(entries[start : start + size])}
            after = start + size if start + size < len(entries) else None
    if after is not None:
        version = quote(call.query["api-version"])
        page["nextLink"] = f"{call.origin}{call.raw_path}?api-version={version}&$skipToken={after}"
    return answered(200, page)


# Operations ---------------------------------------------------------------------------------------------------------


def begun_headers(world: World, request: ComputeRequest, job: AzureJob, *, location: bool) -> list[tuple[str, str]]:
    """Azure-AsyncOperation always, Location for everything but creates (recorded), Retry-After when switched on."""
    job.version = request.version
    headers = [("azure-asyncnotification", "Enabled"), ("Azure-AsyncOperation", _url(world, request.call, job, False))]
    if location:
        headers.append(("Location", _url(world, request.call, job, True)))
    if world.switches.compute_retry_after:
        headers.append(("Retry-After", str(world.switches.compute_retry_after)))
    headers.append(("x-ms-request-id", job.id))  # which is the operation's id (recorded)
    return headers


def accepted(world: World, request: ComputeRequest, job: AzureJob) -> Answer:
    """202 without a body, both headers (recorded); a DELETE may be over by then, and answers 200 (swagger)."""
    if request.method == "DELETE" and world.switches.compute_deletes == "at_once":
        job.end(world.now())
        if job.failure is not None:
            raise job.failure
        return Answer(200, [("x-ms-request-id", job.id)])
    return Answer(202, begun_headers(world, request, job, location=True))


def _url(world: World, call: Call, job: AzureJob, monitor: bool) -> str:
    kind = "DiskOperations" if job.disk_rp else "operations"
    query = f"p={job.partition}{'&monitor=true' if monitor else ''}&api-version={job.version}"
    if world.switches.compute_signed_urls:
        ticks = int((world.now() + 62135596800) * 10**7)
        signature, digest = world.secret_ids.text(342), world.secret_ids.text(43)
        query += f"&t={ticks}&c={certificate(world, 2048)}&s={signature}&h={digest}"
    job.queries[query] = monitor
    return (
        f"{call.origin}/subscriptions/{world.azure.subscription_id}/providers/Microsoft.Compute/locations/"
        f"{job.region}/{kind}/{job.id}?{query}"
    )
