# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What meets a request: faults of the wire, work that fails, and another job that takes the VM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.azure.jobs import PlannedEnd, Refused
from simulator.timing import Timing
from simulator.vmm.jobs import LOCKED, Kind, Planned, Refusal
from simulator.wire.faults import Fault
from tests.scenarios.record import Sent, View, job_of

if TYPE_CHECKING:
    from simulator.world import World
    from tests.scenarios.table import Row

LATE = 400
"""Seconds: longer than any request may take."""
HELD = 30.0
Strike = Callable[["World", "Row", Sent], Fault | None]


@dataclass(frozen=True)
class Trouble:
    """One kind of fault. `view` is what the client can know of a write that meets it; `takes_effect` whether the
    service still does the work; `passes`, whether a read is sent again, `passes_write`, whether a write may be, so that
    the task has to succeed all the same. `lasts`: every later request meets it, too. `codes`: what the error may be
    where nothing has been written, and `says` what it quotes if it is the first of them, by the row's kind.
    `only_writes`: why nothing else meets it.
    """

    name: str
    what: str
    strike: Strike
    view: View
    takes_effect: bool = False
    passes: bool = False
    passes_write: bool = False
    lasts: bool = False
    only_writes: str = ""
    codes: tuple[str, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)


def _wire(**given: Any) -> Strike:
    return lambda _world, _row, _sent: Fault(**given)


def _by_service(**spoken: Mapping[str, Any]) -> Strike:
    """The same refusal in the words of SPF and of ARM."""

    def strike(_world: World, row: Row, _sent: Sent) -> Fault:
        return Fault(**spoken["spf" if row.kind == "spf" else "arm"])

    return strike


def _odata(status: int, text: str, code: str = "") -> dict[str, Any]:
    error = {"code": code, "message": {"lang": "en-US", "value": text}}
    return {"kind": "status", "status": status, "body": {"odata.error": error}}


def _arm(status: int, code: str, text: str) -> dict[str, Any]:
    return {"kind": "status", "status": status, "body": {"error": {"code": code, "message": text}}}


_LOCK = _by_service(spf=_odata(500, LOCKED.text()), arm=_arm(409, "Conflict", "Another operation is in progress."))


def _lock(world: World, row: Row, sent: Sent) -> Fault | None:
    """A write is refused; before and behind one, another job takes the VM for a while."""
    if sent.writes:
        return _LOCK(world, row, sent)
    if row.kind in ("spf", "scvmm"):
        world.site(row.kind).vmm.background(world.vm(row.vm), HELD)
    else:
        vm = world.azure.named(row.vm)
        world.azure.begin("vm", vm.location, Timing(seconds=HELD), vm.attachments, vm=vm)
    return None


def _plan(end: Refusal, code: str) -> Strike:
    """The operation that the write begins is to end badly."""

    def strike(world: World, row: Row, sent: Sent) -> None:
        job = job_of(sent.deed)
        if row.kind in ("spf", "scvmm"):
            world.site(row.kind).vmm.planned_failures.append(Planned(Kind(job), None, end))
        else:
            kind = "copy" if row.variant == "copy" and job == "point" else job
            text = "Another operation is in progress." if code == "Conflict" else ""
            world.azure.planned.append(PlannedEnd(kind, None, Refused(409, code, text), None))

    return strike


def _lock_stays(world: World, row: Row, sent: Sent) -> Fault | None:
    return _LOCK(world, row, sent) if sent.writes else None


_FAILED = Refusal("10803", "Simulated", "The disk is full.")
_FULL = {"": "An internal execution error occurred", "spf": "The disk is full.", "scvmm": "The disk is full."}
_NONE = "a read begins no operation"
_RETRY = {"Retry-After": "7"}
_AWAY = {"Location": "https://elsewhere.example/"}
_UNSAID = dict.fromkeys(("Azure-AsyncOperation", "Location", "x-ms-request-id"), "")
_ODD = {"value": [{"ID": 7, "id": []}], "properties": 5, "status": [], "ID": {}, "access_token": 5}
_ELSEWHERE_SAID = ("bad_answer", "sign_in_refused")
"""Of the same refusal by the authority, or by the cloud's list of endpoints."""
FAULTS: dict[str, Trouble] = {
    each.name: each
    for each in (
        Trouble("no_connection", "no connection could be made, once",
                _wire(kind="lose_request", exception="ConnectError"), "unsent", passes=True, passes_write=True),
        Trouble("lost_request", "the connection closes before the service has heard of it",
                _wire(kind="lose_request"), "open", passes=True),
        Trouble("lost_answer", "the service does its work, and the connection closes",
                _wire(kind="lose_answer"), "open", True, passes=True),
        Trouble("reset", "the connection is reset in the middle of the answer",
                _wire(kind="reset_body"), "open", True, passes=True),
        Trouble("unavailable", "503 with Retry-After; the service has not heard of it",
                _wire(kind="status", status=503, headers={"Retry-After": "1"}), "open", passes=True),
        Trouble("server_error", "the service does its work, and 500 is answered",
                _wire(kind="status_after", status=500), "open", True, passes=True),
        Trouble("gateway_timeout", "the service does its work, and a gateway answers 504",
                _wire(kind="status_after", status=504), "open", True, passes=True),
        Trouble("throttled", "429 with Retry-After",
                _wire(kind="status", status=429, headers=_RETRY), "refused", passes=True, passes_write=True),
        Trouble("lock", "a write is refused for a lock; at a read another job takes the VM for 30 s",
                _lock, "refused", passes=True, passes_write=True),
        Trouble("locked_out", "the write is accepted, and its operation fails for a lock",
                _plan(LOCKED, "Conflict"), "answered", passes_write=True, only_writes=_NONE),
        Trouble("operation_fails", "the write is accepted, and its operation fails",
                _plan(_FAILED, "InternalExecutionError"), "answered", only_writes=_NONE,
                codes=("operation_failed",), says=_FULL),
        Trouble("lock_stays", "from here on every write is refused for a lock", _lock_stays, "refused", lasts=True,
                only_writes="a read is not refused for a lock", codes=("locked",)),
        Trouble("cut_off", "no connection can be made from here on",
                _wire(kind="lose_request", exception="ConnectError", count=None), "unsent", lasts=True,
                codes=("unreachable",)),
        Trouble("refusal", "403 in the service's own words",
                _by_service(spf=_odata(403, "Access is denied."),
                            arm=_arm(403, "AuthorizationFailed", "The client has no authorization.")), "refused",
                codes=("forbidden", *_ELSEWHERE_SAID),
                says={"spf": "Access is denied", "": "AuthorizationFailed: The client has no authorization"}),
        Trouble("bad_request", "400 in the service's own words",
                _by_service(spf=_odata(400, "The request is wrong."), arm=_arm(400, "BadRequest", "It is wrong.")),
                "refused", codes=("refused", *_ELSEWHERE_SAID),
                says={"spf": "The request is wrong", "": "BadRequest: It is wrong"}),
        Trouble("stranger", "404 as a page of HTML, by somebody between",
                _wire(kind="html", status=404), "refused",
                codes=("not_found", "bad_answer", "refused")),
        Trouble("wrong_404", "404 of another level of the hierarchy",
                _by_service(spf=_odata(404, "The subscription was not found.", "SubscriptionNotFound"),
                            arm=_arm(404, "SubscriptionNotFound", "The subscription was not found.")), "refused",
                codes=("not_found", *_ELSEWHERE_SAID)),
        Trouble("no_json", "the service does its work, and the body is no JSON",
                _wire(kind="replace", body="<!DOCTYPE html><p>Hello"), "open", True, codes=("bad_answer",)),
        Trouble("odd", "the service does its work, and the body is JSON of other types",
                _wire(kind="replace", body=_ODD), "open", True, codes=("bad_answer",)),
        Trouble("no_operation", "the write is accepted, and the answer does not say which operation it began",
                _wire(kind="headers", headers=_UNSAID), "answered", True, passes_write=True,
                only_writes=_NONE),
        Trouble("redirect", "the service does its work, and 303 is answered",
                _wire(kind="status_after", status=303, headers=_AWAY), "open", True,
                codes=("bad_answer",)),
        Trouble("slow", f"the service does its work {LATE} s late",
                _wire(kind="delay", seconds=LATE), "open", True, passes=True),
    )
}  # fmt: skip
SECOND = {name: FAULTS[name] for name in ("lost_answer", "lock", "refusal", "cut_off")}
BEHIND = ("lost_answer", "lock", "refusal", "stranger", "no_json")
"""First faults at a read that second ones are played behind: of those that pass in the same way one is."""
EIGHT = (*BEHIND, "no_connection", "throttled", "slow")
"""First faults that meet the reads of the longest row."""
TO_COMPENSATE = ("lost_answer", "refusal", "operation_fails")
"""First faults at a write after which a task of several steps puts back what it has done, or goes on."""


def impossible(row: Row, trouble: Trouble, sent: Sent) -> str | None:
    """Why this fault cannot meet that request; None where it can."""
    if trouble.only_writes and not sent.writes:
        return trouble.only_writes
    if trouble.only_writes == _NONE and not job_of(sent.deed):
        return "the service does this in its answer, and no operation is left that could fail"
    if trouble.name == "lock" and not sent.writes and row.kind in ("collection", "point"):
        return "a job that holds the VM holds neither its collections nor their points"
    if row.pairs == "none" and row.verb == "restore" and not sent.writes and trouble.name not in EIGHT:
        return "the reads of the longest row meet eight faults; the others meet those of compute/restore+key"
    return None


@dataclass
class Plan:
    """Which request of a run meets what; positions count from 1."""

    strikes: list[tuple[int, Trouble]] = field(default_factory=list)

    def at(self, number: int) -> Trouble | None:
        """The trouble for that request: one that lasts gives way to one of its own."""
        own = next((trouble for at, trouble in self.strikes if at == number), None)
        return own or next((trouble for at, trouble in self.strikes if trouble.lasts and number > at), None)
