# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transcripts: for each row its plan, its requests and its result, and what it says when a fault meets it.

`make transcripts` writes them, a test holds the code to them: whoever changes what users read sees it in the diff.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from multiprocessing import Pool
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.scenarios.faults import FAULTS, TO_COMPENSATE, Plan, impossible
from tests.scenarios.player import calm
from tests.scenarios.record import RunSeen
from tests.scenarios.table import ROWS
from tests.scenarios.world import Ground

DIRECTORY = Path(__file__).parent / "transcripts"
_SHORT = {
    "{spf}": re.compile(r"https://simulator\.test/SC2012R2/VMM/[0-9a-f-]{36}/Microsoft\.Management\.Odata\.svc"),
    "{arm}": re.compile(r"https://simulator\.test(?=[/\"])"),
    "&{signed}": re.compile(r"&t=\d+&c=[^ \"]+"),
    "{group}": re.compile(r"/subscriptions/[0-9a-f-]{36}/resourceGroups/(?=rg-)"),
}


def file_of(row: str) -> Path:
    """Where a row's transcript is kept."""
    return DIRECTORY / f"{row.replace('/', '-')}.txt"


def transcript(row: str) -> str:
    """The whole text of a row."""
    return "\n".join([*_calm(row), *_troubled(row), ""])


def _calm(row: str) -> Iterator[str]:
    ground = Ground(ROWS[row], row)
    yield "== In check mode"
    foreseen = (ground.approve() if ROWS[row].approved else ground.run(check=True)).result or {}
    yield _shown(foreseen)
    before = len(ground.requests)
    run = ground.run()
    yield "\n== Its requests"
    yield from map(_line, ground.requests[before:])
    yield "\n== Its result"
    yield _shown(run.result or {}, foreseen)
    yield "\n== Again"
    yield _shown(ground.run().result or {}, foreseen)


def _shown(result: Mapping[str, Any], before: Mapping[str, Any] = MappingProxyType({})) -> str:
    """A result, a line for each key, without what stands as it is in the one before."""
    rows = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in result.items()]
    left = {f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in before.items() if key != "changed"}
    return _short("\n".join([row for row in rows if row not in left]))


def _line(request: httpx.Request) -> str:
    body = "" if "/oauth2/" in request.url.path else request.content.decode()
    return _short(f"{request.method} {request.url}{f'  {body}' if body else ''}")


def _short(text: str) -> str:
    """The same with names for the addresses and scopes that stand everywhere."""
    for name, pattern in _SHORT.items():
        text = pattern.sub(name, text)
    return text


def _troubled(row: str) -> Iterator[str]:
    """What is said at each fault; the same words once, with all the cases in which they are said."""
    words: defaultdict[str, list[str]] = defaultdict(list)
    for trouble, at in _cases(row):
        ground = Ground(ROWS[row], f"{row}/{trouble}@{at}")
        if ROWS[row].approved:
            ground.approve()
        words[_words(ground.run(Plan([(at, FAULTS[trouble])])))].append(f"{trouble}@{at}")
    for text, cases in words.items():
        yield f"\n== {' '.join(cases)}\n{text}"


def _cases(row: str) -> Iterator[tuple[str, int]]:
    """Each fault at the first request, the first write, the one behind it and the last; some at every write."""
    sent = calm(row)
    writes = [each.number for each in sent if each.writes]
    places = {1, len(sent), *(number for first in writes[:1] for number in (first, first + 1))}
    for name, trouble in FAULTS.items():
        for each in sent:
            wanted = each.number in places or (name in TO_COMPENSATE and each.writes)
            if wanted and impossible(ROWS[row], trouble, each) is None:
                yield name, each.number


def _words(run: RunSeen) -> str:
    result = run.result or {}
    error = result.get("error", {})
    told = {"changed": result.get("changed"), **{key: value for key, value in error.items() if key != "message"}}
    lines = [json.dumps(told, ensure_ascii=False), str(result.get("msg", run.crash))]
    return _short("\n".join([*lines, *(f"warning: {text}" for text in result.get("warnings", ()))]))


def _write(row: str) -> None:
    file_of(row).write_text(transcript(row), "utf-8")


def main() -> None:
    """Write all of them, and drop those of rows that are gone."""
    DIRECTORY.mkdir(exist_ok=True)
    for kept in set(DIRECTORY.iterdir()) - {file_of(row) for row in ROWS}:
        kept.unlink()
    with Pool(2) as pool:
        pool.map(_write, ROWS)


if __name__ == "__main__":
    main()
