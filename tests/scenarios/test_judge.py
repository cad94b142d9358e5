# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge itself: what is right passes, and each rule is broken by the least that breaks it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.scenarios.case import Case
from tests.scenarios.judge import judge
from tests.scenarios.record import Job, RunSeen, Sent, deed_of, job_of
from tests.scenarios.rules_of_run import RETRY
from tests.scenarios.table import ROWS

LATER, BASE, BESIDE = "web01/checkpoint later", "web01/checkpoint baseline", "beside-web01/power"
BEFORE = {LATER: "1|2", BASE: "3|4", "web01/stands on": "later", "web01/power": "Running", BESIDE: "Running"}
GONE = {key: value for key, value in BEFORE.items() if key != LATER} | {"web01/stands on": "baseline"}
PLAN = {"digest": "sha256:1", "actions": [{"action": "delete", "checkpoint": {"id": "1", "name": "later"}}]}
DELETE = Sent(4, "DELETE", "/VMCheckPoints(guid'1')", "delete 1", status=204)
READ = Sent(1, "GET", "/VirtualMachines", status=200)
NOTHING: dict[str, Any] = {"sent": (READ,), "jobs": (), "after": BEFORE, "settled": BEFORE}
"""Of a run that only read."""
PASSES = "what passes is no reason to fail"
ROW = ROWS["spf/absent"]


def seen(error: str | None = None, *, msg: str = "it failed", **more: Any) -> RunSeen:
    """A run that removed the checkpoint; `more` are other members of the run, of its result or of its error."""
    parts = {name: more.pop(name) for name in list(more) if name in RunSeen.__dataclass_fields__}
    retry = more.pop("retry", RETRY.get(error or "", "never"))
    result: dict[str, Any] = {"changed": True, "plan": PLAN, "checkpoint": None, "warnings": [], **more}
    if error:
        operation = result.setdefault("operation", {"status": "failed"})
        result |= {"error": {"code": error, "message": msg, "retry": retry, "operation": operation}, "msg": msg}
    made = RunSeen(result, "", 1.0, 60.0, (READ, DELETE), (Job("delete", "succeeded"),), BEFORE, GONE, GONE)
    return replace(made, **parts)


def in_vain(error: str, *sent: Sent, **more: Any) -> RunSeen:
    """A run that has changed nothing."""
    said = {"msg": "forbidden (403): Access is denied.", "changed": False}
    return seen(error, **{**NOTHING, "sent": sent or (READ,), **said, **more})


def lost(error: str, **more: Any) -> RunSeen:
    """A run that ends in an error because the DELETE's answer was lost; it has removed the checkpoint."""
    return seen(
        error, changed=False, sent=(READ, replace(DELETE, fault="lost_answer", view="open", status=None)), **more
    )


IDLE = replace(seen(changed=False), sent=(READ,), jobs=(), before=GONE)


def rules(faulted: RunSeen, *faults: str, **more: Any) -> set[str]:
    """What is broken, where the reruns are in order unless `more` says otherwise."""
    given: dict[str, Any] = {"rerun": IDLE, "third": IDLE, **more}
    row = given.pop("row", ROW)
    return {broken.rule for broken in judge(Case(row, faults, faulted, **given))}


def test_what_is_right_is_not_broken() -> None:
    assert rules(seen()) == set()
    assert rules(in_vain("forbidden"), rerun=seen()) == {PASSES}  # without any fault
    read = replace(READ, fault="refusal", view="refused")
    assert rules(in_vain("forbidden", read), "refusal", rerun=seen()) == set()
    refused = replace(DELETE, fault="refusal", view="refused", status=403)
    assert rules(in_vain("forbidden", READ, refused), "refusal", rerun=seen()) == set()
    late = replace(READ, fault="throttled", view="refused")
    assert rules(replace(seen(), sent=(late, READ, DELETE)), "throttled", calm=seen()) == set()


BREAKS: dict[str, tuple[str, RunSeen]] = {
    "a crash": ("no traceback", replace(seen(), result=None, crash="Traceback")),
    "a set in the result": ("the result is JSON", seen(checkpoints={1, 2})),
    "changed is no boolean": ("changed is true or false", seen(changed=None, **NOTHING)),
    "too late": ("ends within its deadline", seen(seconds=62.0)),
    "an unknown code": ("codes of the closed list", seen("strange")),
    "another retry": ("retry is as documented", seen("not_proven", retry="never")),
    "an error of two lines": ("an error is one printable line", seen("not_proven", msg="a\nb")),
    "timed out in time": ("timed_out is at the deadline", seen("timed_out")),
    "a success that says unchanged": ("changed is what was done", seen(changed=False)),
    "a success that did nothing": ("changed is what was done", seen(**NOTHING)),
    "an error that hides an accepted write": ("changed is what was done", seen("not_proven", changed=False)),
    "an error that boasts": ("changed is what was done", seen("forbidden", **NOTHING)),
    "a success without it": ("a success is true of the world", seen(after=BEFORE)),
    "one too many shown": ("the result shows what the world holds", seen(checkpoint={"id": "1"})),
    "unreachable after a write": ("no error denies a write", lost("unreachable")),
    "unavailable after a write": ("no error denies a write", lost("unavailable")),
    "forbidden after a lost write": ("an error after a write tells of it", lost("forbidden")),
    "nothing was sent": ("no message denies a write", lost("outcome_unknown", msg="Nothing was sent. Look.")),
    "nothing was changed": ("no message denies a write", seen("forbidden", msg="Nothing was changed.")),
    "safe after a write": ("no retry is safe after a write", seen("locked")),
    "safe in the dark": ("no retry is safe after a write", lost("locked", after=BEFORE, settled=BEFORE, jobs=())),
    "off in silence": ("a VM is never off in silence", seen("forbidden", settled={**GONE, "web01/power": "PowerOff"})),
    "another VM": ("only what the task is about is changed", seen(settled={**GONE, BESIDE: "PowerOff"})),
    "another checkpoint": ("only what the task is about is changed", seen(settled={**GONE, BASE: "5|6"})),
    "not in the plan": ("only what the plan names is changed", seen(plan={"digest": "", "actions": []})),
    "three deletes": ("nothing is sent twice in the dark", seen(sent=(READ, DELETE, DELETE, DELETE))),
    "a read not sent again": (PASSES, in_vain("unavailable", replace(READ, fault="lost_answer", view="open"))),
    "a loss not settled": (PASSES, lost("outcome_unknown")),
    "a lost delete not sent again": (
        PASSES,
        in_vain("outcome_unknown", replace(DELETE, fault="lost_request", view="open")),
    ),
    "another error": (
        "the error is the one that fits",
        in_vain("not_found", replace(READ, fault="refusal", view="refused")),
    ),
    "an error that keeps it to itself": (
        "an error quotes the service",
        in_vain("forbidden", replace(READ, fault="refusal", view="refused"), msg="it failed"),
    ),
    "a failed operation that is not shown": (
        "the operation that failed is shown",
        seen("operation_failed", operation=None),
    ),
    "a failed operation that has changed nothing": (
        "changed is what was done",
        in_vain(
            "operation_failed", replace(DELETE, fault="operation_fails"), changed=True, operation={"status": "failed"}
        ),
    ),
    "a lock not waited for": (PASSES, in_vain("locked", replace(DELETE, fault="lock", view="refused", status=409))),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_breaks_a_rule(what: str) -> None:
    rule, run = BREAKS[what]
    assert rule in rules(run)


def test_what_says_off_is_not_silent() -> None:
    off = {**GONE, "web01/power": "PowerOff"}
    assert "a VM is never off in silence" not in rules(seen("forbidden", settled=off, msg="The VM is off."))


def test_what_passes_changes_nothing() -> None:
    late = replace(seen(), sent=(replace(READ, fault="throttled", view="refused"), READ, DELETE))
    for otherwise in ({"warnings": ["hm"]}, {"plan": {"digest": "sha256:2", "actions": PLAN["actions"]}}):
        other = replace(late, result={**(late.result or {}), **otherwise})
        assert rules(other, "throttled", calm=seen()) == {"what passes changes nothing"}
    more = replace(late, sent=(*late.sent, DELETE))
    assert rules(more, "throttled", calm=seen()) == {"what passes changes nothing"}


def test_what_cannot_go_on_is_put_back() -> None:
    row, key = ROWS["compute/restore+key"], "shop01/disk os"
    before = {key: "old", "shop01/power": "running", "disk new": "", "disk old": ""}
    swap = Sent(9, "PATCH", "/x", "update vm shop01 1", "operation_fails", status=200)
    plan = {"digest": "", "actions": [{"action": "step", "about": {"disk": "new"}}]}
    error = {"code": "operation_failed", "message": "An internal execution error occurred", "retry": "after_reading"}
    result = {
        "changed": True,
        "plan": plan,
        "error": {**error, "operation": {"status": "failed"}},
        "msg": error["message"],
    }
    run = RunSeen(result, "", 1.0, 60.0, (swap,), (Job("vm", "failed"),), before, before, before)
    rule = "what cannot go on is put back"
    assert rule not in rules(run, "operation_fails", row=row)
    for left in ({key: "new"}, {"shop01/power": "deallocated"}):
        assert rule in rules(replace(run, settled={**before, **left}), "operation_fails", row=row)


@pytest.mark.parametrize("view", ["open", "answered"])
def test_a_create_is_sent_once(view: Any) -> None:
    create = Sent(4, "POST", "/VMCheckPoints", "create new", view=view, status=201)
    settled = {**BEFORE, "web01/checkpoint new": "7|8"}
    plan = {"digest": "", "actions": [{"action": "create", "checkpoint": {"name": "new"}}]}
    made: dict[str, Any] = {"after": settled, "settled": settled, "plan": plan, "checkpoint": {"id": "7"}}
    once = seen(sent=(create,), jobs=(Job("create", "succeeded"),), **made)
    idle = replace(once, before=settled, sent=(READ,), jobs=(), result={**(once.result or {}), "changed": False})
    more = {"row": ROWS["spf/present"], "rerun": idle, "third": idle}
    assert rules(once, **more) == set()
    twice = replace(once, sent=(create, create))
    assert "nothing is sent twice in the dark" in rules(twice, **more)
    assert ("one create of unknown outcome in a run" in rules(twice, **more)) is (view == "open")
    # One that reading has shown as failed may be sent again.
    after_failing = replace(twice, jobs=(Job("create", "failed"), *once.jobs))
    assert "nothing is sent twice in the dark" not in rules(after_failing, **more)
    two = replace(once, after={**settled, "web01/checkpoint new": "7|8 9|10"})
    assert "a success is true of the world" in rules(two, **more)


def test_a_rerun_converges() -> None:
    failed = replace(IDLE, result={**(seen("refused").result or {}), "changed": False})
    assert rules(seen(), rerun=failed) == {"a rerun converges"}
    assert rules(seen(), third=seen()) == {"a rerun converges"}
    act = replace(ROW, act=True)
    assert rules(seen(), row=act) == {"a restore is an act"}
    assert rules(seen(), row=act, rerun=seen(), third=seen()) == set()


def test_check_mode_only_plans() -> None:
    check = seen(**NOTHING)
    assert rules(seen(), foreseen=check) == set()
    assert rules(seen(), foreseen=replace(check, sent=(DELETE,))) == {"check mode only plans"}
    assert rules(seen(), foreseen=replace(check, settled=GONE)) == {"check mode only plans"}
    other = replace(check, result={**(check.result or {}), "plan": {"digest": "sha256:2", "actions": []}})
    assert rules(seen(), foreseen=other) == {"what is foreseen is what is done"}


def test_tags_are_shown_as_the_world_has_them() -> None:
    row, home = ROWS["collection/update"], "collection checkpoints-shop01"
    wanted = str(row.wanted[f"{home}/tags"])
    before = {home: "g", f"{home}/tags": "", f"{home}/point before": "p"}
    after = {**before, f"{home}/tags": wanted}
    shown = {"id": "x", "tags": dict(each.split("=") for each in wanted.split())}
    update = Sent(2, "PATCH", "/x", f"update {home}", status=200)
    result = {"changed": True, "plan": {"digest": "", "actions": []}, "restore_point_collection": shown}
    run = RunSeen(result, "", 0.0, 60.0, (update,), (), before, after, after)
    idle = replace(run, before=after, sent=(), result={**result, "changed": False})
    assert rules(run, row=row, rerun=idle, third=idle) == set()
    other = replace(run, result={**result, "restore_point_collection": {"id": "x", "tags": {}}})
    assert rules(other, row=row, rerun=idle, third=idle) == {"the result shows what the world holds"}


POINT = "/a.svc/VMCheckPoints(ID=guid'1',StampId=guid'2')"


@pytest.mark.parametrize(
    ("method", "target", "body", "deed", "job"),
    [
        ("GET", "/x/restorePoints/a", b"", "", ""),
        ("POST", "/t/oauth2/v2.0/token", b"", "", ""),
        ("POST", "/providers/Microsoft.ResourceGraph/resources", b"{}", "", ""),
        ("POST", "/a.svc/VMCheckPoints", b'{"Name": "new"}', "create new", "create"),
        ("MERGE", POINT, b'{"VMCheckPointAction": "Restore"}', "restore 1", "restore"),
        ("MERGE", POINT, b'{"Description": "x"}', "update 1", "update"),
        ("DELETE", POINT, b"", "delete 1", "delete"),
        ("MERGE", "/a.svc/VirtualMachines(ID=guid'1')", b'{"Operation": "Stop"}', "power stop", "power"),
        ("POST", "/x/default/createCheckpoint?api=1", b'{"name": "new"}', "create new", "create"),
        ("POST", "/x/default/deleteCheckpoint", b'{"id": "7"}', "delete 7", "delete"),
        ("POST", "/x/virtualMachines/a/deallocate", b"", "power deallocate", "power"),
        ("PUT", "/x/restorePointCollections/c/restorePoints/p", b"{}", "create point p", "point"),
        ("DELETE", "/x/restorePointCollections/c/restorePoints/p", b"", "delete point p", "point_delete"),
        ("PUT", "/x/restorePointCollections/c", b"{}", "create collection c", ""),
        ("PATCH", "/x/restorePointCollections/c", b"{}", "update collection c", ""),
        ("DELETE", "/x/restorePointCollections/c", b"", "delete collection c", "collection_delete"),
        ("PUT", "/x/disks/d", b"not JSON", "create disk d", "disk"),
        ("DELETE", "/x/disks/d", b"[]", "delete disk d", "disk_delete"),
        ("PATCH", "/x/virtualMachines/a", b"{}", "update vm a a3a6bf43", "vm"),
    ],
)
def test_what_a_request_does(method: str, target: str, body: bytes, deed: str, job: str) -> None:
    assert deed_of(method, target, body) == deed
    assert not deed or job_of(deed) == job
