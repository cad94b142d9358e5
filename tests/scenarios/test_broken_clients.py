# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that breaks a promise is caught by the sample: a table that cannot fail proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import ResponseLost, Unreachable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import client
from tests.scenarios.player import verdict
from tests.scenarios.sample import drawn
from tests.scenarios.world import Ground

WRITE: Any = vars(client.Http)["write"]
FINISH: Any = Ground._finish
Write = Callable[..., Any]


def _write(instead: Write) -> Any:
    """A client whose writes go another way."""
    return mock.patch.object(client.Http, "write", instead)


async def _twice(self: client.Http, method: str, url: str, **more: Any) -> Any:
    try:
        return await WRITE(self, method, url, **more)
    except ResponseLost:
        return await WRITE(self, method, url, **more)


async def _another(self: client.Http, method: str, url: str, **more: Any) -> Any:
    return await WRITE(self, method, url.replace("checkpoints-shop01", "theirs"), **more)


async def _denied(self: client.Http, method: str, url: str, **more: Any) -> Any:
    await WRITE(self, method, url, **more)
    raise Unreachable("cannot be reached. Nothing was sent.")


async def _crash(self: client.Http, method: str, url: str, **more: Any) -> Any:
    try:
        return await WRITE(self, method, url, **more)
    except ResponseLost as problem:
        raise RuntimeError("nobody expected that") from problem


def _says(**otherwise: Any) -> Any:
    """A client whose result says something else."""

    def finish(ground: Ground, check: bool) -> Any:
        result, crash = FINISH(ground, check)
        return {**result, **{name: value for name, value in otherwise.items() if name in result}}, crash

    return mock.patch.object(Ground, "_finish", finish)


def _in_earnest(ground: Ground, _check: bool) -> Any:
    return FINISH(ground, False)


BROKEN: dict[str, tuple[Any, tuple[str, ...], str]] = {
    "sends a lost create again": (_write(_twice), ("spf/present",), "nothing is sent twice in the dark"),
    "deletes something else": (_write(_another), ("point/absent",), "only what the task is about is changed"),
    "is unreachable after a write": (_write(_denied), ("scvmm/present",), "no error denies a write"),
    "crashes on a lost answer": (_write(_crash), ("collection/present",), "no traceback"),
    "says unchanged after a write": (_says(changed=False), ("compute/absent",), "changed is what was done"),
    "says changed always": (_says(changed=True), ("point/present",), "a rerun converges"),
    "shows nothing": (_says(checkpoint=None), ("spf/update",), "the result shows what the world holds"),
    "plans something else": (_says(plan={"actions": []}), ("spf/restore+key",), "only what the plan names is changed"),
    "is silent about a VM that is off": (
        _says(msg="It failed.", warnings=[]),
        ("spf/restore+key",),
        "a VM is never off in silence",
    ),
    "gives up at the first loss": (
        mock.patch.multiple(client, LOST_PATIENCE=-1.0, CONNECT_PATIENCE=-1.0),
        ("collection/update",),
        "what passes is no reason to fail",
    ),
    "writes in check mode": (
        mock.patch.object(Ground, "_finish", _in_earnest),
        ("spf/present+approved",),
        "check mode only plans",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_client_that_breaks_a_promise_is_caught(what: str) -> None:
    patch, rows, rule = BROKEN[what]
    played = 0
    for draw in drawn(seed=1, rows=rows):
        name = draw.name()
        played += 1
        with patch:
            caught = rule in {broken.rule for broken in verdict(name).broken}
        if caught and rule not in {broken.rule for broken in verdict(name).broken}:
            return
    raise AssertionError(f"none of {played} cases shows that it {what}")
