# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's long-running operations: which one an accepted write has started, and what a look at it says."""

from __future__ import annotations

import re
import typing as t
from contextlib import suppress

from .._core.errors import BadResponse
from .._core.formatting import one_line
from .._core.operation import Operation, State, Status
from .._http.links import resolved
from .._http.response import Response
from .busy import is_failed_by_lock
from .errors import error_details, read_error

MUTE = 3
"""After this many responses in a row without a status, only reading the resource can tell."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TERMINAL: dict[str, State] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
    "cancelled": "failed",
}
_LINKS = ("azure-asyncoperation", "location")

Look = t.Callable[[str], t.Awaitable[Response]]
Followable = t.Callable[[str], str]


def started_by(
    response: Response,
    url: str,
    started: float,
    look: Look,
    followable: Followable,
    names: t.Collection[str] = (),
) -> Operation:
    """The operation of a write to `url` that was accepted. Azure-AsyncOperation goes before Location (ARM's guide).

    `look` reads a status URL, and is an error where that shows no status; `followable` gives a URL back that may be
    followed, and is BadResponse for another. `names` are those of what is written: a failure may quote them.
    """
    links = [(name, link) for name in _LINKS if (link := response.headers.get(name))]
    why = ""
    for name, link in links:
        try:
            poll = _Poll(followable(resolved(str(link), url)), look, followable, names, states=name == _LINKS[0])
        except BadResponse as problem:
            why = why or problem.message
            continue
        asked = Status("running", retry_after=response.retry_after)
        return Operation("arm", poll.shown, poll, started, last=asked, request_id=response.request_id)
    # With nothing to poll, only the resource's own state counts: a portal that makes 202 a 200 looks the same. With no
    # link that may be followed, the write was accepted all the same: reading has to show what it did.
    known = Status("unknown", "no usable link", why) if links else _own_word(response)
    return Operation("arm", None, _stated(known), started, request_id=response.request_id)


class _Poll:
    """Polls an operation's status URL, which is sent byte for byte and never shown, because it is signed.

    `states`: every response holds a status (those of Azure-AsyncOperation must, and every recorded one does). A 200
    without one then comes from somebody else, such as a proxy, and is no success: it is polled again, and after MUTE of
    them only reading can tell. Location may end in an empty body; a body without a status, after some with one, is odd.
    """

    def __init__(self, url: str, look: Look, followable: Followable, names: t.Collection[str], *, states: bool) -> None:
        self._url, self._look, self._followable, self._names = url, look, followable, names
        self._states = states
        self._stated = False
        self._mute = 0
        found = _GUID.findall(url.partition("?")[0].rpartition("/")[2])
        self.shown = found[0].lower() if found else None

    async def __call__(self) -> Status:
        response = await self._look(self._url)
        status = read_status(response, self._names)
        empty = response.body.strip() in (b"", b"null")
        if status.text:
            self._stated, self._mute = True, 0
        elif status.state == "succeeded" and (self._states or (self._stated and not empty)):
            self._mute += 1
            state: State = "running" if self._mute <= MUTE else "unknown"
            return Status(state, "no status", request_id=response.request_id)
        # Each 202 of ScVmm carries a freshly signed URL (recorded); the newest stays valid longest.
        newer = next(filter(None, map(response.headers.get, _LINKS)), None)
        if newer:
            # One that may not be followed is no loss: the one in hand still works (azure-core goes on with it).
            with suppress(BadResponse):
                self._url = self._followable(resolved(str(newer), self._url))
        return status


def read_status(response: Response, names: t.Collection[str] = ()) -> Status:
    """From the body's status, else its provisioningState, else the HTTP status; any unknown word means running.

    ScVmm answers 202 with a body while it runs, `null` bodies, and `"error": {}` beside Succeeded (all recorded).
    """
    body = response.json() if response.body.strip() else None
    fields = body if isinstance(body, dict) else {}
    properties = fields.get("properties")
    inner = properties if isinstance(properties, dict) else {}
    word = fields.get("status") or inner.get("provisioningState")
    word = word.strip() if isinstance(word, str) else word
    if not isinstance(word, str) and (word or fields.get("error")):
        raise response.bad("the operation's status cannot be understood.")
    if not isinstance(word, str):
        running = response.status == 202
        return Status("running" if running else "succeeded", retry_after=response.retry_after if running else None)
    state = _TERMINAL.get(word.lower(), "running")
    failed = state == "failed"
    code, message = read_error(fields.get("error"))
    percent = fields.get("percentComplete")
    return Status(
        state,
        one_line(word, 60),
        one_line(message) if failed else "",
        code,
        percent=int(percent) if isinstance(percent, (int, float)) and 0 <= percent <= 100 else None,
        locked=failed and is_failed_by_lock(fields.get("error"), names),
        retry_after=response.retry_after,
        request_id=response.request_id,
        details=error_details(fields.get("error")) if failed else None,
    )


def _own_word(response: Response) -> Status:
    """Succeeded where the resource in a synchronous response says so of itself, unknown otherwise."""
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
