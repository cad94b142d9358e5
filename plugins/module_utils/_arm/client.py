# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager: requests, errors and paging."""

from __future__ import annotations

import json
import re
import typing as t
import urllib.parse
import uuid

from .._core.errors import BadResponse, CheckpointError, InvalidInput
from .._core.formatting import one_line
from .._core.operation import Operation
from .._deps import anyio
from .._http.client import Http
from .._http.error_mapping import error_after_write, error_from, error_of_reading, leaves_open
from .._http.links import sendable
from .._http.response import Model, Pages, Response, parse_entity
from .absence import is_about
from .busy import is_locked
from .errors import error_details, error_of, policies_of, read_error
from .ids import ArmId, parse, quote
from .polling import started_by

LOCKS_VERSION = "2020-05-01"
NO_GROUP = "resourcegroupnotfound"
_ABSENT = ("notfound", "resourcenotfound", "parentresourcenotfound", NO_GROUP)
NO_SUBSCRIPTION = "subscriptionnotfound"
CHECK_SUBSCRIPTION = "Check the subscription in the id, and that this identity may see it in this cloud."
_GROUP = re.compile(r"/subscriptions/[^/?]+/resourceGroups/[^/?]+(?=[/?])", re.IGNORECASE)
LOCKS_AGE = 60.0
"""Seconds for which a list of locks is reused. The service itself refuses what a newer lock forbids."""
TakePage = t.Callable[[Response, list[dict[str, t.Any]]], None]


class Arm:
    """Requests to one resource manager. `sign_in` says in errors who signed in."""

    def __init__(self, http: Http, base: str, sign_in: str) -> None:
        self.http = http
        self.base = base
        self.sign_in = sign_in
        self._read_locks: dict[str, tuple[float, list[dict[str, t.Any]]]] = {}
        self._reading_locks = anyio.Lock()
        self._groups_seen: set[str] = set()

    def url(self, path: str, api_version: str, **query: str) -> str:
        """The URL of a resource path (already percent-encoded) with api-version and other query parameters.

        Paths hold ids from responses; one that would lead elsewhere is refused.
        """
        if not path.startswith("/") or {".", ".."} & set(path.split("/")):
            raise BadResponse("an answered id is no path of a resource.", subject=self.http.label)
        more = "".join(f"&{name.replace('_', '$', 1)}={value}" for name, value in query.items())
        return f"{self.base}{path}?api-version={api_version}{more}"

    async def get(self, url: str, *, context: str) -> Response:
        """A resource that has to be there; any status but 200 is an error that begins with `context`.

        NotFound is the resource manager's own word that there is none, as in `find`.
        """
        response = await self._read(url, context)
        if response.status == 404:
            self._require_own_word(response, url, context)
        if response.status != 200:
            raise error_of_reading(self.error(response, context=context))
        return response

    async def _read(self, url: str, context: str) -> Response:
        """GET. What is answered from a resource group shows that the group is there."""
        response = await self.http.read(url, headers=_headers(), context=context)
        if response.status == 200 and (group := _GROUP.search(url)):
            self._groups_seen.add(group[0].lower())
        return response

    async def find(self, url: str, *, context: str, grouped: bool = False) -> Response | None:
        """A resource, or None when there is none: the resource manager's own word for it is the only proof of absence.

        With `grouped`, a missing resource group is an error, because nothing can be created there.
        """
        response = await self._read(url, context)
        if response.status == 404:
            code = self._require_own_word(response, url, context)
            if not (grouped and code == NO_GROUP):
                return None
        if response.status != 200:
            raise error_of_reading(self.error(response, context=context))
        return response

    async def find_entity(self, kind: type[Model], url: str, *, context: str) -> Model | None:
        """The same, parsed as a `kind`."""
        response = await self.find(url, context=context)
        return None if response is None else parse_entity(kind, response.json(), response)

    def _require_own_word(self, response: Response, url: str, context: str) -> str:
        """The code of a 404 that says that the very thing is absent; BadResponse for any other one.

        Anybody on the way may answer 404 (a proxy's page, an unknown subscription or resource type), and a group that
        has just been read may be denied for a moment (terraform-provider-azurerm#18268).
        """
        error = error_of(response, wrapped=True)
        code, said = read_error(error)
        group = _GROUP.search(url)
        seen = group is not None and group[0].lower() in self._groups_seen
        is_word = isinstance(error, dict) and isinstance(error.get("code"), str) and code.lower() in _ABSENT
        if not is_word or (code.lower() == NO_GROUP and seen) or not is_about(said, url):
            raise self._foreign(response, context, said)
        return code.lower()

    async def locks(self, ids: t.Iterable[str]) -> list[dict[str, t.Any]]:
        """The management locks on any of these resources, as far as this user may see them.

        A resource group's list also holds the locks on everything in it, so each is compared with the ids.
        """
        concerned = [resource.lower() for resource in ids]
        found: dict[str, dict[str, t.Any]] = {}
        for group in sorted({"/".join(resource.split("/")[:5]) for resource in concerned}):
            for lock in await self._locks_of(group):
                lock_id = str(lock.get("id")).lower()
                scope = lock_id.rpartition("/providers/microsoft.authorization/locks/")[0]
                if scope and any(f"{resource}/".startswith(f"{scope}/") for resource in concerned):
                    found[lock_id] = lock
        return [found[lock_id] for lock_id in sorted(found)]

    def forget_locks(self) -> None:
        """Read the locks anew: this run has changed one."""
        self._read_locks.clear()

    async def _locks_of(self, group: str) -> list[dict[str, t.Any]]:
        """Those of a resource group, read once a minute: each reading of a VM needs them, and they seldom change."""
        async with self._reading_locks:  # one of many VMs in a group reads them
            read_at, rows = self._read_locks.get(group, (-LOCKS_AGE, []))
            if anyio.current_time() - read_at >= LOCKS_AGE:
                url = self.url(f"{quote(group)}/providers/Microsoft.Authorization/locks", LOCKS_VERSION)
                rows = await self.hints(url)
                self._read_locks[group] = (anyio.current_time(), rows)
        return rows

    async def hints(self, url: str) -> list[dict[str, t.Any]]:
        """A collection that only helps: where this user may not see it, as much of it as the service shows."""
        found: list[dict[str, t.Any]] = []
        await self.walk(url, lambda _page, rows: found.extend(rows), context="reading locks", hints=True)
        return found

    async def resources(
        self, url: str, *, context: str, kind: str | None = None
    ) -> list[tuple[ArmId, dict[str, t.Any]]]:
        """The ids of all resources of a collection, or of those of one kind, with what the list shows of each."""
        pages = await self.pages(url, context=context)
        rows = [(response, row) for response, rows in pages for row in rows]
        meant = [(response, row) for response, row in rows if kind is None or str(row.get("kind")).lower() == kind]
        return [(id_of(row, response), row) for response, row in meant]

    async def pages(self, url: str, *, context: str) -> list[tuple[Response, list[dict[str, t.Any]]]]:
        """All pages of a collection; nextLink is made sendable and followed on this origin only, never in circles."""
        found: list[tuple[Response, list[dict[str, t.Any]]]] = []
        await self.walk(url, lambda page, rows: found.append((page, rows)), context=context)
        return found

    async def walk(self, url: str, take: TakePage, *, context: str, hints: bool = False) -> None:
        """`take` the pages one by one, so that a list of thousands is never whole in memory.

        With `hints` the list ends where it is denied.
        """
        pages = Pages(context)
        following: str | None = url
        while following:
            response = await self._read(following, context)
            if hints and response.status in (400, 401, 403, 404):
                break
            if response.status != 200:
                raise error_of_reading(self.error(response, context=context))
            body = response.json()
            fields = body if isinstance(body, dict) else {}
            rows = fields.get("value")
            listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            if (listed != rows or fields.get("error")) and not hints:
                what = "an error beside its list" if listed == rows else "no list of resources"
                raise response.bad(f"{context}: the answer holds {what}.")
            take(response, listed)
            link = fields.get("nextLink")
            following = pages.follow(response, self.http.followable(sendable(link, following))) if link else None

    async def write(
        self,
        method: str,
        url: str,
        body: dict[str, t.Any] | None,
        *,
        context: str,
        headers: t.Mapping[str, str] | None = None,
        names: t.Iterable[str] = (),
    ) -> Operation:
        """A request that changes something; the operation it started.

        `names` are those of what it is about, beside those in the URL: no word in them tells what an error means.
        """
        named = [*_names_in(url.removeprefix(self.base)), *names]
        started = anyio.current_time()
        content = None if body is None else json.dumps(body).encode()
        sent = {**_headers(content is not None), **(headers or {})}
        response = await self.http.write(method, url, headers=sent, body=content, limit=90.0, context=context)
        if leaves_open(response.status):
            raise error_after_write(self.error(response, context=context, names=named))
        if response.status not in (200, 201, 202, 204):
            raise self.error(response, context=context, names=named)
        operation = self.operation(response, url, started, named)
        operation.created = response.status == 201
        operation.replaced = method == "PUT" and response.status == 200
        return operation

    async def query(self, url: str, body: dict[str, t.Any], *, context: str) -> Response:
        """A POST that changes nothing (Resource Graph): repeated like a read."""
        response = await self.http.send_again("POST", url, _headers(True), json.dumps(body).encode(), context=context)
        if response.status != 200:
            raise self.error(response, context=context)
        return response

    def operation(self, response: Response, url: str, started: float, names: t.Collection[str] = ()) -> Operation:
        """The operation of an accepted write, which was sent to `url` at `started` on anyio's clock."""
        return started_by(response, url, started, self._look, self.http.followable, names)

    async def _look(self, url: str) -> Response:
        """What a status URL answers; an error where that may not be read (now), or somebody else answers.

        Any status from 300 on is a failure to read the operation's status, not the operation's (ARM's RPC).
        """
        context = "reading the operation's status"
        response = await self.http.read(url, headers=_headers(), patience=float("inf"), context=context)
        code, said = read_error(error_of(response))
        if response.status in (401, 408) or response.status >= 500 or (response.status == 403 and code):
            raise self.error(response, context=context)
        if response.status >= 300 and not code:
            raise response.bad(
                f"{context}: an answer ({response.status}) that is not the resource manager's says nothing."
            )
        if response.status >= 300:
            raise response.bad(f"{context}: an answer ({response.status}: {one_line(said, 300)}) that tells no status.")
        return response

    def error(self, response: Response, *, context: str, names: t.Collection[str] = ()) -> CheckpointError:
        """The error for a response that is not a success, with every detail that ARM gives."""
        body = error_of(response)
        code, said = read_error(body)
        if response.status == 404 and not code:
            return self._foreign(response, context, said)
        locked = is_locked(response.status, body, names)
        problem = error_from(
            response, said, context=context, locked=locked, sign_in=self.sign_in, details=error_details(body)
        )
        if code.lower() == NO_SUBSCRIPTION:
            problem.remedy = CHECK_SUBSCRIPTION
        if policies := policies_of(body):
            problem.remedy = (
                f"No right is missing: {policies} forbids this. Ask for an exemption, or change what the policy names."
            )
        return problem

    def _foreign(self, response: Response, context: str, said: str) -> BadResponse:
        """The error for a 404 that does not say that the very thing is absent."""
        words = f" ({one_line(said, 300).rstrip('.')})" if said else ""
        problem = response.bad(f"{context}: a 404{words} that is not the resource manager's word for it says nothing.")
        error = error_of(response)
        problem.details = error_details(error)
        if read_error(error)[0].lower() == NO_SUBSCRIPTION:
            problem.remedy = CHECK_SUBSCRIPTION
        return problem


def id_of(row: t.Mapping[str, t.Any], response: Response) -> ArmId:
    """The id of a listed resource; BadResponse for a wrong one, since no option is to blame."""
    try:
        return parse(str(row.get("id")))
    except InvalidInput as problem:
        raise response.bad(f"a listed resource has no usable id: {problem.message}") from None


def _names_in(path: str) -> list[str]:
    """The names in a path, which alternate with the types of what they name."""
    return [urllib.parse.unquote(part) for part in path.partition("?")[0].strip("/").split("/")[1::2]]


def _headers(with_body: bool = False) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "x-ms-client-request-id": str(uuid.uuid4()),
        "x-ms-return-client-request-id": "true",
    }
    return {**headers, "Content-Type": "application/json"} if with_body else headers
