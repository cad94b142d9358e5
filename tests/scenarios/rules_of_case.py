# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a case as a whole: what passes, what an error is called, what is undone, and that it converges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.scenarios.case import Broken, Case, short
from tests.scenarios.faults import FAULTS, Trouble
from tests.scenarios.record import RunSeen, Sent
from tests.scenarios.table import Row

PUT_BACK = ("operation_fails", "refusal", "bad_request")
"""Faults after which a write has provably not been done."""


def passed(case: Case) -> Iterator[Broken]:
    """What passes is no reason to fail: reads are sent again, a loss is settled by reading, a lock is waited for."""
    run = case.faulted
    met = [(each, FAULTS[each.fault]) for each in run.sent if each.fault]
    # A read that is only slow uses up the time in which it would be sent again; what became of a write whose answer was
    # lost while another job held the VM nobody can see.
    slow = len(met) > 1 and any(trouble.name == "slow" for _sent, trouble in met)
    held = any(trouble.name == "lock" and not sent.writes for sent, trouble in met)
    open_writes = sum(sent.writes and trouble.view == "open" for sent, trouble in met)
    # Arc shows no work on a VM: what two lost answers leave of a job that outlasts settle_time nobody can see either.
    in_the_dark = (held and open_writes > 0) or (case.row.kind == "scvmm" and open_writes > 1)
    if (
        run.code is not None
        and not slow
        and not in_the_dark
        and all(_passes(case.row, sent, trouble) for sent, trouble in met)
    ):
        what = ", ".join(f"{sent.fault} at {sent.deed or 'a read'}" for sent, _trouble in met) or "without any fault"
        yield Broken("what passes is no reason to fail", f"{what}: {short(run)}")
    locked = any(trouble.name == "lock" for _sent, trouble in met)  # then a write is tried until it is let through
    if run.code is None and case.calm and all(not sent.writes and trouble.passes for sent, trouble in met):
        now, calm = (_looks(each, writes=not locked) for each in (run, case.calm))
        if now != calm:
            yield Broken("what passes changes nothing", f"{now}, and without it {calm}")


def _looks(run: RunSeen, *, writes: bool) -> dict[str, object]:
    """What a user sees, and what was written, without what differs from run to run."""
    result = run.result or {}
    seen = {name: result.get(name) for name in ("changed", "warnings", "drift")}
    sent = [each.deed for each in run.writes if each.view != "refused"] if writes else []
    return {**seen, "plan": result.get("plan", {}).get("digest"), "writes": sent}


def named(case: Case) -> Iterator[Broken]:
    """A fault alone that has hindered every write is an error of the code that fits."""
    run = case.faulted
    met = {each.fault for each in run.sent if each.fault}
    clean = not run.effects and not any(each.view == "open" for each in run.writes)
    if len(met) == 1 and clean and run.code is not None:
        trouble = FAULTS[met.pop()]
        if trouble.codes and not _own_codes(case.row, run) <= set(trouble.codes):
            yield Broken(
                "the error is the one that fits", f"{run.code}, not {' or '.join(trouble.codes)}: {short(run)}"
            )
        said = trouble.says.get(case.row.kind, trouble.says.get("", ""))
        if trouble.codes and run.code == trouble.codes[0] and said not in short(run):
            yield Broken("an error quotes the service", f"{said!r} is not in: {short(run)}")
    if run.code == "operation_failed":
        operation = (run.result or {})["error"]["operation"] or {}
        if operation.get("status") != "failed":
            yield Broken("the operation that failed is shown", str(operation))
        # Of a collection some points may have gone before its removal failed, and a restore has several steps.
        whole = case.row.verb != "restore" and (case.row.kind, case.row.verb) != ("collection", "absent")
        if clean and run.changed and whole:
            yield Broken("changed is what was done", f"nothing was: {short(run)}")


def _own_codes(row: Row, run: RunSeen) -> set[str | None]:
    """The code, or where a task that reads several things says some_failed those of the things."""
    shown = (run.result or {}).get(row.shows) if run.code == "some_failed" else None
    of_each = {each["error"]["code"] for each in shown or [] if each.get("error")}
    return of_each or {run.code}


def put_back(case: Case) -> Iterator[Broken]:
    """A restore in steps that cannot go on puts the VM back on its disks and on the power it had."""
    run = case.faulted
    met = [each for each in run.sent if each.fault]
    undone = len(met) == 1 and met[0].fault in PUT_BACK and met[0].writes and not met[0].deed.startswith("update disk")
    if case.row.pairs == "all" or run.code is None or not undone:
        return
    for key, (then, now) in run.differences().items():
        if re.match(rf"{case.row.vm}/(power|disk|file)", key):
            yield Broken("what cannot go on is put back", f"{key}: {then!r} became {now!r}. {short(run)}")


def _passes(row: Row, sent: Sent, trouble: Trouble) -> bool:
    if trouble.lasts:
        return False
    if not sent.writes:
        return trouble.passes
    if trouble.passes_write:
        # Without its operation a write is proven by reading alone, and what is slow is not there in time.
        return trouble.name != "no_operation" or row.variant != "slow"
    if trouble.view != "open" or trouble.name == "slow":
        return False
    # A lost delete by id is sent once more after a list that shows the thing.
    return row.provable if trouble.takes_effect else sent.deed.startswith("delete")


def foreseen(case: Case) -> Iterator[Broken]:
    """Check mode writes nothing, and what it plans is what is done."""
    check = case.foreseen
    if check is None:
        return
    if check.writes or check.differences() or check.code is not None:
        yield Broken("check mode only plans", f"{[each.deed for each in check.writes]} {short(check)}")
    plan, now = (check.result or {}).get("plan", {}), (case.faulted.result or {}).get("plan", {})
    planned_at_all = "digest" in now and (case.faulted.code is None or bool(now["actions"]))
    if planned_at_all and now["digest"] != plan.get("digest"):
        yield Broken("what is foreseen is what is done", f"{plan['actions']} became {now['actions']}")


def converged(case: Case) -> Iterator[Broken]:
    """Without faults the same task brings about what it is for, and once it is there changes nothing."""
    rerun, third = case.rerun, case.third
    for name, run in (("rerun", rerun), ("third run", third)):
        if run.code is not None:
            yield Broken("a rerun converges", f"the {name} fails: {short(run)}")
            return
    if not case.row.act and third.changed:
        yield Broken("a rerun converges", f"the third run changes again: {short(third)}")
    if case.row.act and not third.changed:
        yield Broken("a restore is an act", "the third run says that it changed nothing")
