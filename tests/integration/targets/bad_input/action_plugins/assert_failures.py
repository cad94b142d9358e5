# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action `assert_failures`: whether failures are as a table of cases says; all that is wrong comes at once."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from typing import Any

from ansible.plugins.action import ActionBase

NEVER = re.compile(r"Traceback|pydantic|httpx|Error\(|object has no attribute|0x[0-9a-f]{8}|VALUE_SPECIFIED")


class ActionModule(ActionBase):  # type: ignore[misc]  # core is untyped
    """`cases` and their `results` in the same order, and what the control API said `before` and `after`."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with a line for each thing that is wrong; `messages` shows what a user would have read."""
        super().run(tmp, task_vars)
        given: dict[str, Any] = self._task.args
        wrong = []
        messages = []
        for case, result in zip(given["cases"], given["results"], strict=True):
            message = str(result.get("msg", ""))
            messages.append(f"{case['name']}: {message}")
            wrong += [f"{case['name']}: {complaint} -- {message}" for complaint in complaints(case, result)]
        (world_before, _ignored), (world_after, counters) = given["before"], given["after"]
        begun = [case["options"]["vm"] for case in given["cases"] if case.get("changed")]
        if touched := sorted(_vms(world_before, world_after, begun)):
            wrong.append(f"{', '.join(touched)}: changed by {_names(given)}")
        allowed = sum(int(case.get("writes", 0)) for case in given["cases"])
        if counters["writes"] > allowed:
            wrong.append(f"{counters['writes']} writes were sent, not {allowed}, by {_names(given)}")
        outcome = {"failed": True, "msg": "\n".join(wrong)} if wrong else {}
        return {"changed": False, "messages": messages, **outcome}


def _names(given: dict[str, Any]) -> str:
    """The cases that were looked at, for people."""
    cases = given["cases"]
    return str(cases[0]["name"]) if len(cases) == 1 else f"one of {len(cases)} cases"


def _vms(before: dict[str, Any], after: dict[str, Any], begun: list[str]) -> set[str]:
    """The VMs, and in Azure all that differs, without those with which something was begun."""
    found = set()
    for service in ("spf", "scvmm"):
        for then, now in zip(before[service]["vms"], after[service]["vms"], strict=True):
            if then != now and not {then["name"], then["resource_uri"]} & set(begun):
                found.add(str(then["name"]))
    for kind in ("vms", "disks", "collections"):
        for then, now in zip_longest(before["compute"][kind], after["compute"][kind]):
            if then != now:
                found.add(str((then or now)["name"]))
    return found


def complaints(case: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """What is wrong with the result of one case."""
    if not result.get("failed"):
        return ["it does not fail"]
    found = []
    message = str(result.get("msg", ""))
    error = result.get("error") or {}
    if result.get("changed") != case.get("changed", False):
        found.append(f"it says changed: {result.get('changed')}")
    if error.get("code") != case["code"]:
        found.append(f"its code is {error.get('code')}, not {case['code']}")
    found += [f"it does not say {text!r}" for text in case["says"] if str(text) not in message]
    if "\n" in message:
        found.append("its message has more than one line")
    if odd := NEVER.search(json.dumps({name: value for name, value in result.items() if name != "invocation"})):
        found.append(f"it shows {odd[0]!r}")
    return found
