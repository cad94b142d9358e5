# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call sends, and how its refusal names it: a line each, held against a file beside the tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold as hold_text
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

Call = Callable[[Arm], Awaitable[object]]
NO = reply(403, {"error": {"code": "AuthorizationFailed", "message": "It says no."}})


def hold(path: Path, calls: Iterable[tuple[Call, tuple[Reply, ...]]]) -> None:
    """Each call sends what the file says; behind the answers that it is given the service refuses."""
    text = "".join(_line(call, answers) for call, answers in calls)
    hold_text(path, text)


def _line(call: Call, answers: tuple[Reply, ...]) -> str:
    server = Script(*answers, NO)

    async def main() -> str:
        async with server.http() as http:
            try:
                return f"  = {await call(Arm(http, BASE, 'client c'))}\n"
            except CheckpointError as problem:
                return f"  = {type(problem).__name__}: {problem.message}\n"

    end = virtual(main)
    lines = ""
    for request in server.requests:
        condition = f" If-Match: {request.headers['if-match']}" if "if-match" in request.headers else ""
        body = f" {json.dumps(json.loads(request.content))}" if request.content else ""
        lines += f"{request.method} {str(request.url).removeprefix(BASE)}{condition}{body}\n"
    return lines + end
