# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong types in every field of every answer: which cases there are, and one of them played.

A case is a task, the number of one of its answers, a place in it, and what is put there: for that answer alone, or for
every later one of the same address too. The same case is the same run, always.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import traceback
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import trio
import trio._core._run as scheduler

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from tests.hostile import mutations
from tests.hostile.invariants import judge
from tests.hostile.tamper import Change, Endless, Heard, Log, Tamper
from tests.hostile.tasks import Task
from tests.support.lab import Result

SOURCE = Path(__file__).parents[2] / "plugins/module_utils"
WORDS = frozenset(re.findall(r"[\w.$]+", "\n".join(file.read_text("utf-8") for file in sorted(SOURCE.rglob("*.py")))))


@dataclass(frozen=True)
class Case:
    """`part` is what is changed of the answer: json, xml, header or body; `always` means later ones too."""

    task: str
    number: int
    part: str
    place: mutations.Path
    what: str
    always: bool

    def __str__(self) -> str:
        return json.dumps([self.task, self.number, self.part, list(self.place), self.what, self.always])

    @property
    def name(self) -> str:
        """The whole case in letters that neither make nor a shell touches."""
        return base64.urlsafe_b64encode(str(self).encode()).decode().rstrip("=")

    @classmethod
    def named(cls, name: str) -> Case:
        """The case of that name."""
        task, number, part, place, what, always = json.loads(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)))
        return cls(task, number, part, tuple(place), what, always)


@dataclass(frozen=True)
class Ending:
    """What came of one run."""

    result: Result | None
    seconds: float
    log: Log
    crash: str = ""


@dataclass(frozen=True)
class Verdict:
    """`code` is the error's, or None for a success; `met` whether the change was made at all."""

    code: str | None
    broken: tuple[str, ...]
    met: bool


def run(task: Task, change: Change | None = None, seed: str = "", status: int | None = None) -> Ending:
    """The task in a fresh world, its answers changed; `status` is what changed ones bear."""
    rng = random.Random(f"{task.name}{seed}")
    random.seed(rng.random())
    lab = task.make_lab()
    options = task.given(lab)
    log = Log()
    lab.through = lambda wire: Tamper(wire, log, change, status=status)
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True))
        patches.enter_context(mock.patch.object(scheduler, "_r", random.Random(rng.random())))
        try:
            return Ending(lab.run(task.module, check=task.check, **options), lab.seconds, log)
        except (Exception, BaseExceptionGroup, trio.TrioInternalError) as problem:
            return Ending(None, lab.seconds, log, _described(problem))


def _described(problem: BaseException) -> str:
    """The innermost exception, and where it came from."""
    while isinstance(problem, BaseExceptionGroup):
        problem = problem.exceptions[0]
    if isinstance(problem, Endless):
        return "the client goes on asking without end"
    places = [
        f"{frame.filename.rpartition('/plugins/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(problem.__traceback__)
        if "/plugins/" in frame.filename
    ]
    return f"{type(problem).__name__}: {str(problem)[:200]} at {' < '.join(reversed(places[-3:]))}"


def play(task: Task, case: Case) -> Verdict:
    """The case's run, judged."""
    ending = run(task, _change(case), str(case))
    if ending.result is None:
        return Verdict("crash", (ending.crash,), bool(ending.log.changed))
    limit = parse_duration(task.given(task.make_lab())["wait_timeout"]).total_seconds()
    broken = tuple(judge(task, limit, ending.result, ending.seconds, ending.log))
    error = ending.result.get("error")
    return Verdict(str(error["code"]) if error else None, broken, bool(ending.log.changed))


def _change(case: Case) -> Change:
    met: list[str] = []

    def change(number: int, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
        address = f"{heard.method} {heard.target.partition('?')[0]}"
        if number < case.number or (number > case.number and not (case.always and address in met)):
            return None
        met.append(address)
        return _changed(case, heard)

    return change


def _changed(case: Case, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
    if case.part == "header":
        name = str(case.place[0])
        kept = [(n, v) for n, v in heard.headers.raw if n.lower() != name.lower().encode()]
        value = _header_value(name, int(case.what))
        return httpx.Headers(kept if value is None else [*kept, (name.encode(), value.encode("latin-1"))]), heard.body
    if case.part == "body":
        return heard.headers, mutations.BODIES[case.what](heard.body)
    if case.part == "xml":
        root = ET.fromstring(heard.body) if heard.body[:1] == b"<" else None
        number = int(case.place[0])
        if root is None or number >= len(list(root.iter())):
            return None
        return heard.headers, mutations.xml_replaced(root, number, case.what)
    document = _json(heard)
    made = mutations.replaced(document, case.place, case.what)
    return None if made is document else (heard.headers, mutations.as_json(made))


def _header_value(name: str, place: int) -> str | None:
    return (mutations.ADDRESSES if name in mutations.LINKS else mutations.HEADERS[name])[place]


def _json(heard: Heard) -> Any:
    try:
        return json.loads(heard.body)
    except ValueError:
        return None


@dataclass(frozen=True)
class Chance:
    """A case, the field it is about, and the course of things until then: two cases of one course are the same.

    `length` is how many requests the task takes when nothing is changed.
    """

    case: Case
    field: str
    course: bytes
    length: int


def chances(task: Task) -> Iterator[Chance]:
    """Every case of a task. Of answers from one address the first and the last stand for all."""
    heard = run(task).log.heard
    ends: dict[tuple[str, str, int], list[int]] = {}
    for number, each in enumerate(heard):
        ends.setdefault((each.method, each.target.partition("?")[0], each.status), []).append(number)
    asked = f"{task.module} {task.check} {task.given(task.make_lab())}"
    for number in sorted({number for found in ends.values() for number in (found[0], found[-1])}):
        until = [(each.method, each.target, each.status, each.body) for each in heard[: number + 1]]
        course = hashlib.sha256(f"{asked} {until}".encode()).digest()
        for part, place, what in _changes_of(heard[number]):
            key = hashlib.sha256(f"{task.name} {number} {part} {place} {what}".encode()).digest()
            case = Case(task.name, number, part, place, what, bool(key[0] % 2))
            yield Chance(case, field(case, heard[number]), course, len(heard))


def _changes_of(heard: Heard) -> Iterator[tuple[str, mutations.Path, str]]:
    for what in mutations.BODIES:
        yield "body", (), what
    for name, values in [*mutations.HEADERS.items(), *((name, mutations.ADDRESSES) for name in mutations.LINKS)]:
        for place in range(len(values)):
            yield "header", (name,), str(place)
    if heard.body[:1] == b"<":
        root = ET.fromstring(heard.body)
        for number, name in mutations.elements(root):
            for what in mutations.xml_changes(root, number, name in WORDS):
                yield "xml", (number, name), what
    elif (document := _json(heard)) is not None:
        for path in mutations.places(document):
            for what in mutations.VALUES if _is_read(path) else mutations.FOR_UNREAD:
                if mutations.fits(what, path):
                    yield "json", path, what


def _is_read(path: mutations.Path) -> bool:
    """Whether the client's source names the field, or something of it or in it may be read."""
    names = [step for step in path if isinstance(step, str)]
    return not names or names[-1] in WORDS


_NAMED = re.compile(r"guid'[^']*'|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|=[^&]*|/[^/?]*(?=\?|$)")


def field(case: Case, heard: Heard) -> str:
    """The field that a case is about, whatever the answer's number: the kind of answer and the place in it."""
    where = [*heard.target.partition("?")[0].rsplit("/", 3)[-3:-2], *heard.target.partition("?")[0].rsplit("/", 1)[-1:]]
    address = _NAMED.sub("*", "/".join(where))
    place = ".".join("*" if isinstance(step, int) else str(step) for step in case.place)
    return f"{heard.method} {address} {case.part} {place}"
