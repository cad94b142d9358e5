# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further troubles of a story, from a random stream of their own: what else a seed tells stays what it was without."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulation.azure_generator import FOREIGN, NAMES, RESOURCES, SERIES
from tests.simulation.fault_generator import NEVER_LEFT
from tests.simulation.script import Event, Script, Signal, Task, Trouble

YEARS = 10 * 365 * 86400.0
SKEWS = (90.0, 600.0, 3600.0, 30 * 86400.0, YEARS)
STRANGERS = (
    "page",
    "empty",
    "SubscriptionNotFound",
    "InvalidResourceType",
    "EndpointNotFound",
    "ResourceGroupNotFound",
)
LONG = "before the change of the database schema, as agreed on with the people of the shop " * 3
RENAMED = {
    "cut_20": "{name} before the schema change",
    "cut_40": "{name} of the shop, before the change of its schema",
    "cut_100": "{name} " + "n" * 110,
    "slash_to_underscore": "{name}/2026/11",
    "fold_blanks": "{name}  of   the shop",
    "upper": "{name} of the shop",
    "nfc": "{name} gru\u0308n",
}
DESCRIPTIONS = {"crlf": "one\ntwo\n\nfour", "trimmed": "  blanks around  ", "cut_200": LONG}
VMM = ("spf", "scvmm")
PACE = ("wait_timeout", "poll_interval", "settle_time")


def further(story: Script) -> Script:
    """The story with none, some or three further kinds of trouble."""
    rng = random.Random(f"further {story.seed}")
    drawn = rng.sample(list(KINDS), k=rng.choices((0, 1, 2, 3), (30, 40, 20, 10))[0])
    for kind in (each for each in KINDS if each in drawn):
        story = KINDS[kind](rng, story)
    return _pending(rng, story) if rng.random() < 0.15 else story


def _changed(story: Script, task: Task, **given: Any) -> Script:
    tasks = tuple(replace(each, **given) if each.number == task.number else each for each in story.tasks)
    return replace(story, tasks=tasks)


def _paced(task: Task, **options: Any) -> dict[str, Any]:
    return {**options, **{name: task.options[name] for name in PACE}}


def _with_troubles(story: Script, *troubles: Trouble) -> Script:
    # In front: of several that fit, a request meets the first.
    return replace(story, troubles=(*troubles, *story.troubles))


def _approval(rng: random.Random, story: Script) -> Script:
    """A task is approved, its first write is locked out, and meanwhile somebody else makes another of that name."""
    tasks = [t for t in story.tasks if t.service in VMM and not t.check and t.module not in RESOURCES]
    if not tasks:
        return story
    task = rng.choice(tasks)
    vm, name = task.vms[0], rng.choice(NAMES)
    if rng.random() < 0.6:
        module, options = "vm_checkpoint", _paced(task, name=name, state="absent", on_ambiguous="all")
    else:
        module, options = "vm_checkpoint_restore", _paced(task, name=name, on_ambiguous="newest")
    document = copy.deepcopy(story.document)
    machine = next(each for each in document[task.service]["vms"] if each["name"] == vm)
    machine["checkpoints"].append({"name": name, "description": "by hand", "days_old": 2})
    story = replace(story, document=document)
    approval = rng.choice(("plan", "digest"))
    story = _changed(story, task, vms=(vm,), module=module, options=options, approval=approval, kill=None)
    lock = Trouble(task.number, "write", 1, 1, {"kind": "lock"})
    meanwhile = Event(0.0, "appears", task.service, vm, name, task.number)
    return replace(_with_troubles(story, lock), events=(*story.events, meanwhile))


def _strangers(rng: random.Random, story: Script) -> Script:
    """404s of a proxy, of another level of the hierarchy, of nobody."""
    for task in rng.sample(story.tasks, k=min(len(story.tasks), rng.choice((1, 1, 2)))):
        which = rng.choice(("read", "read", "read", "write", "any"))
        nth = rng.choice((1, 1, 2)) if which == "write" else rng.choice((1, 2, 3, 4, 4, 5, 7, 8, 12))
        fault = {"kind": "stranger", "form": rng.choice(STRANGERS)}
        story = _with_troubles(story, Trouble(task.number, which, nth, rng.choice((1, 1, 2, 3, 40)), fault))
    return story


def _skews(rng: random.Random, story: Script) -> Script:
    """Clocks that disagree, and mostly a task that compares times."""
    names = ["date_skew"]
    names += ["vmm_clock_skew"] if any(story.document[each]["vms"] for each in VMM) else []
    names += ["compute_clock_skew"] if story.document["compute"]["vms"] else []
    drawn = {name: rng.choice(SKEWS) * rng.choice((1, -1)) for name in rng.sample(names, k=min(len(names), 2))}
    if len(drawn) > 1 and rng.random() < 0.5:
        drawn.popitem()
    # A Date header that is not there is never wrong.
    others = {name: value for name, value in story.switches.items() if name != "date_header"}
    story = replace(story, switches={**others, **drawn})
    tasks = [task for task in story.tasks if task.module == "vm_checkpoint" and not task.approval]
    if tasks and rng.random() < 0.7:
        task = rng.choice(tasks)
        options = _paced(task, name=SERIES[0], max_age=rng.choice(("1h", "1d")), supersede=True)
        story = _changed(story, task, options=options)
    return story


def _normalised(rng: random.Random, story: Script) -> Script:
    """Names or descriptions, or both, that the services keep otherwise than they were sent.

    Two stories are not played (docs/resilience.md): a name that is kept otherwise beside a description so long that the
    mark behind it is cut off, and such a description where the mark is all that tells the age.
    """
    concerned = [task for task in story.tasks if task.service in VMM and not task.approval]
    if not concerned:
        return story
    by_arc = any(task.service == "scvmm" for task in concerned)
    position = rng.choice([each for each in RENAMED if each != "cut_20" or by_arc])
    kept = rng.choice((None, "crlf", "trimmed", "cut_200"))
    switches = {} if kept is None else {"vmm_descriptions": kept}
    if kept != "cut_200":
        switches["arc_names" if position == "cut_20" else "vmm_names"] = position
    for task in concerned:
        options = dict(task.options)
        if options.get("name") in (*NAMES, *SERIES) and kept != "cut_200":
            options["name"] = RENAMED[position].format(name=options["name"])
        skewed = any(name.endswith("_skew") for name in story.switches)
        ageless = kept == "cut_200" and (skewed or task.service == "scvmm") and "max_age" in options
        described = kept is not None and task.module == "vm_checkpoint" and "state" not in options and not ageless
        if kept is not None and described and rng.random() < 0.7:
            options["description"] = DESCRIPTIONS[kept]
        story = _changed(story, task, options=options)
    return replace(story, switches={**story.switches, **switches})


def _handshakes(rng: random.Random, story: Script) -> Script:
    """Connections that the server closes in the TLS handshake."""
    for task in rng.sample(story.tasks, k=min(len(story.tasks), rng.choice((1, 1, 2)))):
        which = rng.choice(("any", "any", "write"))
        nth = rng.choice((1, 1, 2)) if which == "write" else int(rng.triangular(1, 25, 3))
        fault = {"kind": "lose_request", "exception": "SSLEOFError"}
        story = _with_troubles(story, Trouble(task.number, which, nth, rng.choice((1, 1, 2, 3, 40)), fault))
    return story


def _two_in_a_row(rng: random.Random, story: Script) -> Script:
    """A fault at a write, or none, and another one at the reading or polling behind it, or at what follows."""
    task = rng.choice(story.tasks)
    write = rng.choice((1, 1, 1, 2, 3))
    job = {"kind": "job", "service": task.service, "vm": task.vms[0]}
    first: tuple[dict[str, Any] | None, ...] = (
        None,
        {"kind": "lose_answer", "exception": "ReadError"},
        {"kind": "reset_body", "exception": "RemoteProtocolError"},
        {"kind": "status_after", "status": rng.choice((408, 500, 504)), "headers": {}, "body": None},
        {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}, "body": None},
        {"kind": "lose_request", "exception": "ReadTimeout"},
        {"kind": "truncate"},
        {"kind": "lock"},
        {**job, "job": rng.choice(("create", "restore", "delete")), "end": rng.choice(("Failed", "2602"))},
    )
    second: tuple[dict[str, Any], ...] = (
        {"kind": "lose_answer", "exception": "ReadError"},
        {"kind": "lose_request", "exception": rng.choice((*NEVER_LEFT, "SSLEOFError"))},
        {"kind": "status", "status": 503, "headers": {}, "body": None},
        {"kind": "stranger", "form": rng.choice(STRANGERS)},
        {"kind": "refusal"},
        {"kind": "lock"},
        {"kind": "replace", "body": "<!DOCTYPE html><p>Hello"},
        {"kind": "delay", "seconds": 130.0},
    )
    troubles = []
    if (fault := rng.choice(first)) is not None:
        troubles.append(Trouble(task.number, "write", write, 1, fault))
    count = rng.choice((1, 1, 2, 40))
    troubles.append(Trouble(task.number, f"behind{write}", rng.choice((1, 1, 1, 2, 3)), count, rng.choice(second)))
    return _with_troubles(story, *troubles)


def _signals(rng: random.Random, story: Script) -> Script:
    """Ctrl-C, an end of the session, or of the machine; sometimes while a VM is off for a restore."""
    task = rng.choice(story.tasks)
    name = rng.choice(("SIGINT", "SIGTERM", "SIGHUP"))
    signal = Signal(int(rng.triangular(1, 25, 6)), rng.choice(("sent", "heard")), name)
    again = rng.choice((None, 0.0, 2.0, 400.0))
    if task.service == "spf" and not task.approval and rng.random() < 0.5:
        document = copy.deepcopy(story.document)
        for vm in document["spf"]["vms"]:
            vm["power"] = "Running"
        story = replace(story, document=document)
        how = {"if_running": "stop", "power_after": "previous", "safety_checkpoint": rng.random() < 0.5}
        options = _paced(task, name=FOREIGN, on_ambiguous="oldest", **how)
        story = _changed(story, task, module="vm_checkpoint_restore", options=options, check=False)
    return _changed(story, task, kill=None, signal=signal, again=again)


def _pending(rng: random.Random, story: Script) -> Script:
    """Azure's points that cannot be used for a while after they have succeeded, and deletes that are done at once."""
    drawn = {"compute_pending_seconds": rng.choice((0.0, 20.0, 400.0)), "compute_deletes": "at_once"}
    if not story.document["compute"]["vms"]:
        return story
    return replace(story, switches={**story.switches, **dict(rng.sample(list(drawn.items()), k=rng.choice((1, 2))))})


KINDS: dict[str, Callable[[random.Random, Script], Script]] = {
    "approval": _approval,
    "strangers": _strangers,
    "skews": _skews,
    "normalised": _normalised,
    "handshakes": _handshakes,
    "two in a row": _two_in_a_row,
    "signals": _signals,
}
"""In the order in which they change a story."""
