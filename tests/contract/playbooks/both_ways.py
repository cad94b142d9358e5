# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One playbook twice, its tasks inside the controller and as modules, and what of the results may differ: nothing."""

from __future__ import annotations

import re
from typing import Any

from .support import COLLECTION, Ansible, Run

AS_MODULE = {"HYBRIDVM_CHECKPOINTS_IN_PROCESS": "false"}
CHANGING = (
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{12})(?![0-9a-f])"), "<hash or nonce>"),
    (re.compile(r"\d{8}T\d{6}Z|\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M"), "<time>"),
    (re.compile(r"(?:\d+[dhms])+(?= old)"), "<age>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?"), "<time>"),
    (re.compile(r"sha256:[0-9a-f]+"), "<digest>"),
    (re.compile(r"(?<=localhost:)\d+"), "<port>"),
    (re.compile(r"/[\w./-]*(?:tmp|hybridvm-integration-)[\w./-]*"), "<path>"),
)
"""What differs between any two runs."""
COUNTED = {"seconds", "age_seconds", "newest_age_seconds", "percent"}
BY_CORE = {"failed_when_suppressed_exception"}
"""What ansible-core (since 2.19) says of a module's failure that failed_when turns down, and not of an action's."""
CLOCK = "the service's clock (its Date header)"
"""A warning that comes and goes: the simulator's clock runs ahead."""
TIMES = {"timing"}
"""A step that ends at once in one run and takes a moment in another has a time there or none."""


def masked(value: Any, key: str = "") -> Any:
    """A result without what no two runs have in common: ids, times, durations, digests, ports, directories."""
    if isinstance(value, dict):
        found = {name: masked(each, name) for name, each in value.items() if name not in TIMES | BY_CORE}
        return {name: each for name, each in found.items() if each or name != "warnings"}
    if isinstance(value, list):
        return [masked(each) for each in value if CLOCK not in str(each) or not isinstance(each, str)]
    if isinstance(value, str):
        for pattern, sign in CHANGING:
            value = pattern.sub(sign, value)
        return value
    return "<n>" if key in COUNTED and isinstance(value, int | float) and not isinstance(value, bool) else value


def results(run: Run) -> list[tuple[str, Any]]:
    """Each task of the collection with its masked result, as a registered variable holds it."""
    # What ansible-core adds to a module's failure before it is tried again is no part of what the module returns.
    for line in run.results:
        if line["action"].startswith("attempt at "):
            line["result"].pop("exception", None)
    ours = [line for line in run.results if line["action"].removeprefix("attempt at ").startswith(COLLECTION)]
    return [(line["task"], masked(line["result"])) for line in ours]


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two masked results differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            text
            for name in sorted({*ours, *theirs})
            for text in differences(ours.get(name, "(absent)"), theirs.get(name, "(absent)"), f"{path}.{name}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        return [text for place, pair in enumerate(pairs) for text in differences(*pair, f"{path}[{place}]")]
    return [] if ours == theirs else [f"{path}: {ours!r} != {theirs!r}"]


def modules_run(run: Run) -> int:
    """How many of the collection's tasks were modules (with -vvv)."""
    return len(re.findall(rf"Using module file \S*{COLLECTION.replace('.', '/')}/plugins/modules/", run.stdout))


def both(ansible: Ansible, plays: list[dict[str, Any]], *arguments: str, **environment: str) -> tuple[Run, Run]:
    """The playbook inside the controller, then with modules; each against the simulator at its beginning."""
    found = []
    for way in ({}, AS_MODULE):
        ansible.simulator.control("POST", "/reset")
        found.append(ansible.run(plays, "-vvv", *arguments, **environment, **way))
    inside, as_modules = found
    assert modules_run(inside) == 0, inside.stdout
    assert modules_run(as_modules) > 0, as_modules.stdout
    return inside, as_modules
