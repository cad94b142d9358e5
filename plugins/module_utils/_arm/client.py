# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager: requests, errors, paging, and which operation an answer started."""

from __future__ import annotations

import json
import re
import typing as t
import uuid

from .._core.errors import BadResponse, CheckpointError, InvalidInput
from .._core.formatting import one_line
from .._core.operation import Operation, State, Status
from .._deps import anyio
from .._http.client import Http
from .._http.error_mapping import error_after_write, error_from
from .._http.response import Pages, Response
from .errors import error_details, error_of, read_error
from .ids import ArmId, parse, quote

LOCKS_VERSION = "2020-05-01"
LOCKS_AGE = 60.0
"""Seconds for which a list of locks is believed. What it misses the service refuses by itself."""
MUTE = 3
"""After so many answers in a row without a status an operation is left to reading."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TERMINAL: dict[str, State] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
    "cancelled": "failed",
}
# Codes that say that another operation holds the resource; a ScopeLocked 409 is an administrator's lock and will not
# pass.
_LOCKED = re.compile(r"(?<![\w-])2602(?![\w-])")
_CONCURRENT = "concurrent 'create restorepoint' operation"
"""What Compute says of a second create on a VM (restore-point-troubleshooting, VMRestorePointClientError)."""
_BUSY = ("conflict", "anotheroperationinprogress", "operationinprogress", "resourcebusy")


class Arm:
    """Requests to one resource manager. `sign_in` says in errors how we signed in."""

    def __init__(self, http: Http, base: str, sign_in: str) -> None:
        self.http = http
        self.base = base
        self.sign_in = sign_in
        self._read_locks: dict[str, tuple[float, list[dict[str, t.Any]]]] = {}
        self._reading_locks = anyio.Lock()

    def url(self, path: str, api_version: str, **query: str) -> str:
        """The URL of a resource path (already percent-encoded) with api-version and what else is asked for.

        Paths hold ids as they were answered: one that leads elsewhere is refused.
        """
        if not path.startswith("/") or {".", ".."} & set(path.split("/")):
            raise BadResponse("an answered id is no path of a resource.", subject=self.http.label)
        more = "".join(f"&{name.replace('_', '$', 1)}={value}" for name, value in query.items())
        return f"{self.base}{path}?api-version={api_version}{more}"

    async def get(self, url: str, *, context: str) -> Response:
        """A resource; an error that says what was being done unless the answer is a 200."""
        response = await self.http.read(url, headers=_headers(), context=context)
        if response.status != 200:
            raise self.error(response, context=context)
        return response

    async def find(self, url: str, *, context: str, grouped: bool = False) -> Response | None:
        """A resource, or None when there is none: a 404 for that very thing is the only proof of absence.

        `grouped`: where even its resource group is missing, nothing can be made there, and that is an error.
        """
        response = await self.http.read(url, headers=_headers(), context=context)
        if response.status == 404:
            if grouped and read_error(error_of(response))[0].lower() == "resourcegroupnotfound":
                raise self.error(response, context=context)
            return None
        if response.status != 200:
            raise self.error(response, context=context)
        return response

    async def locks(self, ids: t.Iterable[str]) -> list[dict[str, t.Any]]:
        """The management locks that hold for any of these resources, as far as this user may see them.

        A resource group's list also shows the locks on everything in it, so each is held against the ids.
        """
        concerned = [resource.lower() for resource in ids]
        found: dict[str, dict[str, t.Any]] = {}
        for group in sorted({"/".join(resource.split("/")[:5]) for resource in concerned}):
            for lock in await self._locks_of(group):
                lock_id = str(lock.get("id") or "").lower()
                scope = lock_id.rpartition("/providers/microsoft.authorization/locks/")[0]
                if any(resource == scope or resource.startswith(f"{scope}/") for resource in concerned):
                    found[lock_id] = lock
        return [found[lock_id] for lock_id in sorted(found)]

    async def _locks_of(self, group: str) -> list[dict[str, t.Any]]:
        """Those of a resource group, read once in a while: every look at a VM asks, and a lock comes by hand."""
        async with self._reading_locks:  # of many VMs in a group one asks
            read_at, rows = self._read_locks.get(group, (-LOCKS_AGE, []))
            if anyio.current_time() - read_at >= LOCKS_AGE:
                url = self.url(f"{quote(group)}/providers/Microsoft.Authorization/locks", LOCKS_VERSION)
                rows = await self.hints(url)
                self._read_locks[group] = (anyio.current_time(), rows)
        return rows

    async def hints(self, url: str) -> list[dict[str, t.Any]]:
        """A collection that this user may not be allowed to see: what is shown of it then, for it only helps."""
        return [row for _response, rows in await self._list(url, "reading locks", hints=True) for row in rows]

    async def ids(self, url: str, *, context: str, kind: str | None = None) -> list[ArmId]:
        """The ids of all resources of a collection, or of those of one kind."""
        pages = await self.pages(url, context=context)
        rows = [(response, row) for response, rows in pages for row in rows]
        return [id_of(row, response) for response, row in rows if kind is None or str(row.get("kind")).lower() == kind]

    async def pages(self, url: str, *, context: str) -> list[tuple[Response, list[dict[str, t.Any]]]]:
        """All pages of a collection; nextLink is followed byte for byte, on this origin only, and never in circles."""
        return await self._list(url, context)

    async def _list(
        self, url: str, context: str, *, hints: bool = False
    ) -> list[tuple[Response, list[dict[str, t.Any]]]]:
        found: list[tuple[Response, list[dict[str, t.Any]]]] = []
        pages = Pages(context)
        following: str | None = url
        while following:
            response = await self.http.read(following, headers=_headers(), context=context)
            if hints and response.status in (400, 401, 403, 404):
                break
            if response.status != 200:
                raise self.error(response, context=context)
            body = response.json()
            fields = body if isinstance(body, dict) else {}
            rows = fields.get("value")
            listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            if listed != rows and not hints:
                raise response.bad(f"{context}: the answer holds no list of resources.")
            found.append((response, listed))
            link = fields.get("nextLink")
            following = pages.follow(response, self.http.followable(link)) if link else None
        return found

    async def write(
        self,
        method: str,
        url: str,
        body: dict[str, t.Any] | None,
        *,
        context: str,
        headers: t.Mapping[str, str] | None = None,
    ) -> Operation:
        """A request that changes something; the operation it started."""
        started = anyio.current_time()
        content = None if body is None else json.dumps(body).encode()
        sent = {**_headers(content is not None), **(headers or {})}
        response = await self.http.write(method, url, headers=sent, body=content, limit=90.0, context=context)
        if response.status in (408, 500, 502, 503, 504):
            raise error_after_write(self.error(response, context=context))
        if response.status not in (200, 201, 202, 204):
            raise self.error(response, context=context)
        return self.operation(response, started)

    async def query(self, url: str, body: dict[str, t.Any], *, context: str) -> Response:
        """A POST that only asks (Resource Graph): repeated like a read."""
        response = await self.http.send_again("POST", url, _headers(True), json.dumps(body).encode(), context=context)
        if response.status != 200:
            raise self.error(response, context=context)
        return response

    def operation(self, response: Response, started: float) -> Operation:
        """What an accepted write started. Azure-AsyncOperation goes before Location (ARM's guide)."""
        link = response.headers.get("azure-asyncoperation") or response.headers.get("location")
        if not link:
            # Nothing to follow, so only the resource's own word counts: a portal's 200 for a 202 looks like this too.
            return Operation("arm", None, _stated(_own_word(response)), started, request_id=response.request_id)
        try:
            poll = _Poll(
                self, self.http.followable(str(link)), tells=bool(response.headers.get("azure-asyncoperation"))
            )
        except BadResponse as problem:
            # The write was accepted all the same: what came of it is left to reading.
            stated = _stated(Status("unknown", problem.message))
            return Operation("arm", None, stated, started, request_id=response.request_id)
        return Operation("arm", poll.shown, poll, started, request_id=response.request_id)

    def error(self, response: Response, *, context: str) -> CheckpointError:
        """What a non-success answer means, with every detail that ARM gives."""
        body = error_of(response)
        code, said = read_error(body)
        # 412: somebody changed the resource since it was read; like a lock it changed nothing, and reading again helps.
        busy = code.lower() != "scopelocked" and _is_busy(code, said)
        locked = response.status == 412 or (response.status == 409 and busy)
        return error_from(
            response, said, context=context, locked=locked, sign_in=self.sign_in, details=error_details(body)
        )


class _Poll:
    """One look at an operation's status URL, which is kept byte for byte and never shown: it is signed.

    `tells`: every answer holds the status as a word (Azure-AsyncOperation's have to, and every recorded one does). What
    holds none is somebody else's answer, such as a proxy's, and no success: it is looked at again, and at last left
    to reading. Location may end in nothing at all; something without a word, after words, is as odd there.
    """

    def __init__(self, arm: Arm, url: str, *, tells: bool) -> None:
        self._arm = arm
        self._url = url
        self._tells = tells
        self._told = False
        self._mute = 0
        found = _GUID.findall(url.split("?", 1)[0].rsplit("/", 1)[-1])
        self.shown = found[0].lower() if found else None

    async def __call__(self) -> Status:
        context = "reading the operation's status"
        response = await self._arm.http.read(self._url, headers=_headers(), patience=float("inf"), context=context)
        if response.status in (401, 403, 408, 429) or response.status >= 500:
            raise self._arm.error(response, context=context)
        if response.status >= 300:
            # A 4xx here is a failure to read the status, not of the operation (ARM's RPC).
            return Status("unknown", f"HTTP {response.status}", request_id=response.request_id)
        status = read_status(response)
        empty = response.body.strip() in (b"", b"null")
        if status.text:
            self._told, self._mute = True, 0
        elif status.state == "succeeded" and (self._tells or (self._told and not empty)):
            self._mute += 1
            state: State = "running" if self._mute <= MUTE else "unknown"
            return Status(state, "no status", request_id=response.request_id)
        if status.state == "running":
            # Each 202 of ScVmm carries a freshly signed URL (recorded); the newest stays valid longest.
            newer = response.headers.get("azure-asyncoperation") or response.headers.get("location")
            if newer:
                self._url = self._arm.http.followable(str(newer))
        return status


def read_status(response: Response) -> Status:
    """By the body's status, else its provisioningState, else the HTTP code; every unknown word means running.

    ScVmm answers 202 with a body while it runs, `null` bodies, and `"error": {}` beside Succeeded (all recorded).
    """
    body = response.json() if response.body.strip() else None
    fields = body if isinstance(body, dict) else {}
    inner = fields.get("properties") if isinstance(fields.get("properties"), dict) else {}
    word = fields.get("status") or (inner or {}).get("provisioningState")
    if not isinstance(word, str) and (word or fields.get("error")):
        raise response.bad("the operation's status cannot be understood.")
    if not isinstance(word, str):
        running = response.status == 202
        return Status("running" if running else "succeeded", retry_after=response.retry_after if running else None)
    state = _TERMINAL.get(word.lower(), "running")
    code, message = read_error(fields.get("error"))
    percent = fields.get("percentComplete")
    return Status(
        state,
        one_line(word, 60),
        one_line(message) if state == "failed" else "",
        code,
        percent=int(percent) if isinstance(percent, (int, float)) and 0 <= percent <= 100 else None,
        locked=state == "failed" and _is_busy(code, message),
        retry_after=response.retry_after,
        request_id=response.request_id,
        details=error_details(fields.get("error")) if state == "failed" else None,
    )


def id_of(row: t.Mapping[str, t.Any], response: Response) -> ArmId:
    """The id of a listed resource; a wrong one is the service's fault and not an option's."""
    try:
        return parse(str(row.get("id")))
    except InvalidInput as problem:
        raise response.bad(f"a listed resource has no usable id: {problem.message}") from None


def _is_busy(code: str, text: str) -> bool:
    # ScVmm hands on VMM's own errors as text; 2602 is the one for a locked object.
    return code.lower() in _BUSY or bool(_LOCKED.search(text)) or _CONCURRENT in text.lower()


def _own_word(response: Response) -> Status:
    """Succeeded where a synchronous answer's resource says so of itself; unknown otherwise."""
    try:
        body = response.json() if response.status in (200, 201) else None
    except BadResponse:
        body = None
    properties = body.get("properties") if isinstance(body, dict) else None
    state = properties.get("provisioningState") if isinstance(properties, dict) else None
    return Status("succeeded" if str(state).lower() == "succeeded" else "unknown")


def _stated(status: Status) -> t.Callable[[], t.Awaitable[Status]]:
    async def poll() -> Status:
        return status

    return poll


def _headers(with_body: bool = False) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "x-ms-client-request-id": str(uuid.uuid4()),
        "x-ms-return-client-request-id": "true",
    }
    return {**headers, "Content-Type": "application/json"} if with_body else headers
