# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of each run by itself, whatever met it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.scenarios.case import Broken, short
from tests.scenarios.record import RunSeen, job_of
from tests.scenarios.table import EXISTS, GONE, Row

_DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
RETRY = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", _DOCUMENT.read_text("utf-8"), re.M))
"""What docs/errors.md says of each code: the closed list."""
EXCEPTED = {"vm_state": {"safe", "never"}}
SLACK = 1.0
"""Seconds that a run may take beyond its deadline."""
NOTHING_SENT = ("unreachable", "unavailable", "invalid_input", "missing_library")
"""Codes whose documented meaning is that nothing was sent that changes anything, unless `changed` says so."""
OPEN = ("outcome_unknown", "not_proven", "timed_out", "operation_failed", "bad_answer")
"""Codes that say of themselves that something may have been changed."""
_DENIES = re.compile(r"nothing was (sent(?! twice)|changed)", re.IGNORECASE)
_OFF = re.compile(r"\boff\b|deallocat|not running|it ran when the restore began", re.IGNORECASE)
# A VM's change is sent anew where it is put back; a delete by id, a change of power and of tags may be, once.
_ONCE = ("create", "restore", "update")
_AGAIN = ("update vm", "update disk", "update collection")


def sound(run: RunSeen) -> Iterator[Broken]:
    """A result that a pipeline can read, in time, with a code of the closed list."""
    if run.result is None:
        yield Broken("no traceback", run.crash)
        return
    try:
        json.dumps(run.result, allow_nan=False)
    except (TypeError, ValueError) as problem:
        yield Broken("the result is JSON", str(problem))
    if not isinstance(run.result.get("changed"), bool):
        yield Broken("changed is true or false", repr(run.result.get("changed")))
    if run.seconds > run.limit + SLACK:
        yield Broken("ends within its deadline", f"{run.seconds:.1f} s of {run.limit:g} s")
    error = run.result.get("error")
    if error is None:
        return
    if error["code"] == "timed_out" and run.seconds < run.limit - SLACK:
        yield Broken("timed_out is at the deadline", f"after {run.seconds:.1f} s of {run.limit:g} s: {short(run)}")
    code, retry, message = error["code"], error["retry"], str(run.result.get("msg"))
    if code not in RETRY:
        yield Broken("codes of the closed list", str(code))
    elif retry not in EXCEPTED.get(code, {RETRY[code]}) and not (run.changed and retry == "after_reading"):
        yield Broken("retry is as documented", f"{code}: {retry}, not {RETRY[code]}")
    if not error["message"] or not message or not message.isprintable():
        yield Broken("an error is one printable line", repr(message)[:200])


def truthful(row: Row, run: RunSeen) -> Iterator[Broken]:
    """The result says what the world holds, and an error what has been done before it."""
    if run.result is None:
        return
    if run.code is None:
        yield from _success(row, run)
        return
    effects, said = run.effects, f"{run.code}, changed {run.changed}: {short(run)}"
    taken = [each for each in run.writes if each.view == "answered" and (each.status or 500) < 300]
    if run.changed and not taken and not effects:
        yield Broken("changed is what was done", f"no write was accepted. {said}")
    known = [each.deed for each in taken if job_of(each.deed) == "" or _went_well(run, job_of(each.deed))]
    if known and not run.changed:
        yield Broken("changed is what was done", f"{known} was accepted and done. {said}")
    yield from _power_reported(run)
    in_the_dark = [each.deed for each in run.writes if each.view == "open"]
    if not effects and not in_the_dark:
        return
    why = f"{effects or in_the_dark}. {said}"
    if run.code in NOTHING_SENT and not run.changed:
        yield Broken("no error denies a write", why)
    elif not run.changed and run.code not in OPEN:
        yield Broken("an error after a write tells of it", why)
    elif _DENIES.search(str(run.result["msg"])):
        yield Broken("no message denies a write", why)
    if run.result["error"]["retry"] == "safe":
        yield Broken("no retry is safe after a write", why)


def _success(row: Row, run: RunSeen) -> Iterator[Broken]:
    """After a success the world is as asked, `changed` says whether it was before, and the result shows the thing."""
    effects = run.effects
    if run.changed is not bool(effects):
        yield Broken("changed is what was done", f"success, changed {run.changed}; done: {effects}")
    for key, wanted in row.wanted.items():
        now = run.after.get(key)
        if not _is_as(wanted, now):
            yield Broken("a success is true of the world", f"{key}: {now!r}, wanted {wanted!r}")
    yield from _shows(row, run)


def _power_reported(run: RunSeen) -> Iterator[Broken]:
    power = {key: both for key, both in run.differences().items() if key.endswith("/power")}
    off = [key for key, (then, now) in power.items() if _is_on(then) and not _is_on(now)]
    result = run.result or {}
    if off and not _OFF.search(f"{result.get('msg')} {result.get('warnings')}"):
        yield Broken("a VM is never off in silence", f"{off[0]}: {short(run)}")


def _is_on(power: str | None) -> bool:
    return str(power).lower() == "running"


def _went_well(run: RunSeen, kind: str) -> bool:
    """Whether every operation of that kind has ended well: of several nobody knows whose is whose."""
    states = {job.state for job in run.jobs if job.kind == kind}
    return states == {"succeeded"}


def _is_as(wanted: object, now: str | None) -> bool:
    if wanted in (EXISTS, GONE):
        # Of what exists twice the world holds two ids.
        return (now is not None and " " not in now) if wanted == EXISTS else now is None
    return now == wanted


def _shows(row: Row, run: RunSeen) -> Iterator[Broken]:
    rule = "the result shows what the world holds"
    shown, held = (run.result or {}).get(row.shows), run.after.get(row.thing)
    if row.lists:
        there = sorted(found[1] for key in run.after if (found := re.fullmatch(row.lists, key)))
        names = sorted(str(each["name"]) for each in shown or [])
        if names != there:
            yield Broken(rule, f"{row.shows}: {names}, the world has {there}")
        return
    if shown is None or held is None:
        if shown is not None or held is not None:
            yield Broken(rule, f"{row.thing}: {held!r}; {row.shows}: {str(shown)[:120]}")
        return
    if row.shows == "restore_point_collection":
        tags = " ".join(f"{name}={value}" for name, value in sorted(shown["tags"].items()))
        if tags != run.after.get(f"{row.thing}/tags"):
            yield Broken(rule, f"tags {tags!r}, the world has {run.after.get(f'{row.thing}/tags')!r}")
    elif str(shown["id"]).lower() not in held.split("|"):
        yield Broken(rule, f"id {shown['id']}, the world has {held}")


def careful(row: Row, run: RunSeen) -> Iterator[Broken]:
    """Nothing changes that the task may not change or the plan does not name; nothing is sent twice in the dark."""
    actions = [a for a in (run.result or {}).get("plan", {}).get("actions", []) if a["action"] not in ("keep", "noop")]
    planned = json.dumps(actions).lower()
    for key, (then, now) in run.differences().items():
        if not row.allows(key):
            yield Broken("only what the task is about is changed", f"{key}: {then!r} became {now!r}. {short(run)}")
        elif (then is None or now is None) and run.result is not None and not _is_named(key, planned):
            yield Broken("only what the plan names is changed", f"{key} is not in {planned[:300]}")
    dark = Counter(each.deed for each in run.writes if each.view in ("open", "answered"))
    for deed, count in dark.items():
        ended_badly = sum(job.state == "failed" for job in run.jobs if job.kind == job_of(deed))
        most = 1 if deed.partition(" ")[0] in _ONCE and not deed.startswith(_AGAIN) else 2
        if count - ended_badly > most:
            yield Broken("nothing is sent twice in the dark", f"{deed}: {count} times. {short(run)}")
    creates = [each.deed for each in run.writes if each.view == "open" and each.deed.startswith("create")]
    creates = [
        deed for deed in creates if not deed.startswith("create collection")
    ]  # its name is its own: one stays one
    if len(creates) > 1:
        yield Broken("one create of unknown outcome in a run", f"{creates}. {short(run)}")


def _is_named(key: str, planned: str) -> bool:
    """Whether the plan names the thing that the key is about; files come and go with their disk."""
    name = re.sub(r"/(description|state|tags|source)\Z", "", key).rsplit("/", 1)[-1].partition(" ")[2].lower()
    return "/file " in key or name in planned
