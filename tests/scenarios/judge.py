# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a case, whatever met it. Pure: it sees only what was written down."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.faults import TROUBLES
from tests.scenarios.record import RunSeen, job_of
from tests.scenarios.table import EXISTS, GONE, Row

_DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
RETRY = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", _DOCUMENT.read_text("utf-8"), re.M))
"""What docs/errors.md says of each code: the closed list."""
EXCEPTED = {"vm_state": {"safe", "never"}}
SLACK = 1.0
"""Seconds that a run may take beyond its deadline."""
NOTHING_SENT = ("unreachable", "unavailable", "invalid_input", "missing_library")
"""Codes whose documented meaning is that nothing was sent that changes anything."""
_DENIES = re.compile(r"nothing was (sent(?! twice)|changed)", re.IGNORECASE)
_OFF = re.compile(r"\boff\b|deallocat|not running", re.IGNORECASE)
_ONCE = ("create", "restore", "update")


@dataclass(frozen=True)
class Broken:
    """One rule that does not hold."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


@dataclass(frozen=True)
class Case:
    """What was played: the task with the faults, again without, and once more."""

    row: Row
    faults: tuple[str, ...]
    faulted: RunSeen
    rerun: RunSeen
    third: RunSeen


def judge(case: Case) -> list[Broken]:
    """Every rule that is broken."""
    found: list[Broken] = []
    for name, run in (("the task", case.faulted), ("the rerun", case.rerun), ("the third run", case.third)):
        for broken in (*sound(run), *truthful(case.row, run), *careful(case.row, run)):
            found.append(Broken(broken.rule, f"{name}: {broken.what}"))
    found += passed(case)
    found += converged(case)
    return found


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
    code, retry, message = error["code"], error["retry"], str(run.result.get("msg"))
    if code not in RETRY:
        yield Broken("codes of the closed list", str(code))
    elif retry not in EXCEPTED.get(code, {RETRY[code]}):
        yield Broken("retry is as documented", f"{code}: {retry}, not {RETRY[code]}")
    if not error["message"] or not message or not message.isprintable():
        yield Broken("an error is one printable line", repr(message)[:200])


def truthful(row: Row, run: RunSeen) -> Iterator[Broken]:
    """The result says what the world holds."""
    if run.result is None:
        return
    effects, told = run.effects, f"{run.code or 'success'}, changed {run.changed}: {_short(run)}"
    if run.code is None:
        yield from _holds(row, run)
        if run.changed and not effects:
            yield Broken("changed is what was done", f"nothing was done. {told}")
        if not run.changed and effects:
            yield Broken("changed is what was done", f"{effects}. {told}")
        return
    taken = [each for each in run.writes if each.view == "answered" and (each.status or 500) < 300]
    if run.changed and not taken and not effects:
        yield Broken("changed is what was done", f"no write was accepted. {told}")
    known = [each.deed for each in taken if job_of(each.deed) == "" or _went_well(run, job_of(each.deed))]
    if known and not run.changed:
        yield Broken("changed is what was done", f"{known} was accepted and done. {told}")
    open_ones = [each.deed for each in run.writes if each.view == "open"]
    if not effects and not open_ones:
        return
    why = f"{effects or open_ones}. {told}"
    if run.code in NOTHING_SENT:
        yield Broken("no error denies a write", why)
    elif _DENIES.search(str(run.result["msg"])):
        yield Broken("no message denies a write", why)
    if run.result["error"]["retry"] == "safe":
        yield Broken("no retry is safe after a write", why)
    if not effects and run.code not in NOTHING_SENT:
        return
    yield from _told_off(run)


def _told_off(run: RunSeen) -> Iterator[Broken]:
    power = {key: both for key, both in run.differences().items() if key.endswith("/power")}
    off = [key for key, (then, now) in power.items() if _is_on(then) and not _is_on(now)]
    said = f"{run.result and run.result['msg']} {(run.result or {}).get('warnings')}"
    if off and not _OFF.search(said):
        yield Broken("a VM is never off in silence", f"{off[0]}: {_short(run)}")


def _is_on(power: str | None) -> bool:
    return str(power).lower() == "running"


def _went_well(run: RunSeen, kind: str) -> bool:
    """Whether every operation of that kind has ended well: of several nobody knows whose is whose."""
    states = {job.state for job in run.jobs if job.kind == kind}
    return states == {"succeeded"}


def _holds(row: Row, run: RunSeen) -> Iterator[Broken]:
    """After a success the world is as asked, and the result shows the thing as the world has it."""
    for key, wanted in row.wanted.items():
        now = run.after.get(key)
        if not _is_as(wanted, now):
            yield Broken("a success is true of the world", f"{key}: {now!r}, wanted {wanted!r}. {_short(run)}")
    yield from _shows(row, run)


def _is_as(wanted: object, now: str | None) -> bool:
    if wanted in (EXISTS, GONE):
        # Of what exists twice the world holds two ids.
        return (now is not None and " " not in now) if wanted == EXISTS else now is None
    return now == wanted


def _shows(row: Row, run: RunSeen) -> Iterator[Broken]:
    rule = "the result shows what the world holds"
    shown, held = (run.result or {}).get(row.shows), run.after.get(row.thing)
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
            yield Broken("only what the task is about is changed", f"{key}: {then!r} became {now!r}. {_short(run)}")
        elif (then is None or now is None) and run.result is not None and _thing(key) not in planned:
            yield Broken("only what the plan names is changed", f"{key} is not in {planned[:300]}")
    # Some writes are sent again only after a loss that reading has proved undone: a delete by id, once.
    dark = Counter(each.deed for each in run.writes if each.view in ("open", "answered"))
    for deed, count in dark.items():
        ended_badly = sum(job.state == "failed" for job in run.jobs if job.kind == job_of(deed))
        most = 1 if deed.partition(" ")[0] in _ONCE else 2
        if count - ended_badly > most:
            yield Broken("nothing is sent twice in the dark", f"{deed}: {count} times. {_short(run)}")
    creates = [each.deed for each in run.writes if each.view == "open" and each.deed.startswith("create")]
    if len(creates) > 1:
        yield Broken("one create of unknown outcome in a run", f"{creates}. {_short(run)}")


def _thing(key: str) -> str:
    """The name in a key of the world, as a plan's action would have it."""
    return re.sub(r"/(description|state|tags|source)\Z", "", key).rsplit("/", 1)[-1].split(" ", 1)[-1].lower()


def passed(case: Case) -> Iterator[Broken]:
    """What is one fault that passes is no reason to fail: reads are sent again, and a loss is settled by reading."""
    run = case.faulted
    if run.code is None or len(case.faults) > 1:
        return
    met = next((each for each in run.sent if each.fault), None)
    if met is None:
        yield Broken("what passes is waited for", f"without any fault: {_short(run)}")
        return
    trouble = TROUBLES[met.fault]
    by_reading = trouble.takes_effect and trouble.view == "open" and case.row.provable and met.fault not in ("slow",)
    if trouble.passes_write if met.writes else trouble.passes:
        yield Broken("what passes is waited for", f"{met.fault} at {met.method} {met.deed}: {_short(run)}")
    elif met.writes and by_reading:
        yield Broken("a lost answer is settled by reading", f"{met.fault} at {met.method} {met.deed}: {_short(run)}")
    elif met.writes and met.deed.startswith("delete") and trouble.view == "open" and met.fault != "slow":
        yield Broken("a lost delete is sent once more", f"{met.fault}: {_short(run)}")


def converged(case: Case) -> Iterator[Broken]:
    """Without faults the same task brings about what it is for, and once it is there changes nothing."""
    rerun, third = case.rerun, case.third
    for name, run in (("rerun", rerun), ("third run", third)):
        if run.code is not None:
            yield Broken("a rerun converges", f"the {name} fails: {_short(run)}")
            return
    if not case.row.act and third.changed:
        yield Broken("a rerun converges", f"the third run changes again: {_short(third)}")
    if case.row.act and not third.changed:
        yield Broken("a restore is an act", "the third run says that it changed nothing")


def _short(run: RunSeen) -> str:
    return str((run.result or {}).get("msg", "success"))[:400]
