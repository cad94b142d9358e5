# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real providers against answers from outside: recorded ones go in, the requests that came are handed out."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest import mock

import httpx
import trio
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.support.lab import BARE_ENVIRONMENT
from tests.support.targets import vm_of
from tests.support.tasks import TASKS

Given = TypeVar("Given")
Answers = Callable[[httpx.Request], httpx.Response]
TOKEN = "{ENCODED AUTHENTICATION TOKEN}"
"""What stands in the published requests; no option would take it."""
MACHINE = (
    "/subscriptions/0a1b2c3d-0000-4000-8000-00000000000a/resourceGroups/rg"
    "/providers/Microsoft.HybridCompute/machines/vm1"
)


def wall_clock() -> datetime:
    """Nobody's time: an answer without a Date header would show."""
    return datetime.fromtimestamp(0, UTC)


def virtually(main: Callable[[], Awaitable[Given]]) -> Given:
    """The result of `main` on a clock that jumps."""
    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def through_spf(
    root: str, answers: Answers, use: Callable[[Spf], Awaitable[Given]], **options: Any
) -> tuple[Given, list[httpx.Request]]:
    """What `use` makes of SPF at `root` with these answers, and the requests it took."""
    given = {"spf_url": root, "spf_auth": "bearer", "spf_token": "e30", "spf_principal_id": "someone@example.com"}
    settings = SpfSettings.model_validate(given | options)
    seen: list[httpx.Request] = []

    async def main() -> Given:
        async with httpx.AsyncClient(transport=_kept(answers, seen)) as client:
            basic = Basic(settings.spf_username or "", settings.spf_password or "")
            auth = Bearer(TOKEN, "spf_token") if settings.spf_auth == "bearer" else basic
            http = Http(client, settings.root, "spf", Deadline(600), auth=auth)
            return await use(Spf(http, settings, wall_clock))

    return virtually(main), seen


def through_arm(
    base: str, answers: Answers, use: Callable[[Scvmm], Awaitable[Given]], version: str = "2024-06-01"
) -> tuple[Given, list[httpx.Request]]:
    """What `use` makes of Arc-enabled SCVMM at `base` with these answers, and the requests it took."""
    seen: list[httpx.Request] = []

    async def main() -> Given:
        async with httpx.AsyncClient(transport=_kept(answers, seen)) as client:
            http = Http(client, base, "arm", Deadline(3600), auth=Bearer(TOKEN, "access_token"))
            return await use(Scvmm(Arm(http, base, "the access token"), version, None, wall_clock))

    return virtually(main), seen


def module_on(module: str, answers: Answers, *, check: bool = False, **options: Any) -> dict[str, Any]:
    """The result of a whole module whose services give these answers."""

    async def main() -> dict[str, Any]:
        world = RunContext({}, wall_clock, httpx.MockTransport(answers))
        return await run_task(TASKS[module], options, check, world)

    with mock.patch.dict(os.environ, BARE_ENVIRONMENT, clear=True):
        return virtually(main)


def arm_vm(base: str, resource_uri: str) -> VM:
    """A machine as the provider hands it on after resolving it."""
    return vm_of("scvmm", resource_uri, base, name="vm1")


def json_answer(document: object, status: int = 200, **headers: str) -> httpx.Response:
    """An answer in JSON with a Date."""
    date = {"Date": "Fri, 20 Nov 2026 11:30:00 GMT"}
    return httpx.Response(status, json=document, headers={**date, **headers})


def _kept(answers: Answers, seen: list[httpx.Request]) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answers(request)

    return httpx.MockTransport(handle)
