# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to its result, without Ansible: the one way in and the one way out."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._core.errors import CheckpointError, Interrupted
from .._core.formatting import one_line
from .._core.operation import unheard
from .._core.redaction import Redactor
from .._core.settings import skips_tls_verification
from .._deps import anyio
from .._engine.concurrency import Levels
from .._engine.fleet import Review, reconcile
from .._engine.interruption import Interruption
from .._engine.kind import Kind
from .._engine.member import Member
from .._engine.run_options import RunOptions
from .._http.exchange import Auth
from .._providers import Providers, RunContext
from . import result

LONGEST_WARNING = 3000
"""Characters: what a service shows stands in warnings too, and it may show anything."""
Params = t.Mapping[str, t.Any]
TaskFunction: t.TypeAlias = t.Callable[[Params, RunContext], t.Awaitable[dict[str, t.Any]]]
OpenKinds: t.TypeAlias = t.Callable[[Providers, RunOptions, Levels], t.Awaitable[t.Sequence[Kind[t.Any]]]]


async def run_task(task: TaskFunction, params: Params, check_only: bool, context: RunContext) -> dict[str, t.Any]:
    """The finished result of a module, secrets masked; a failure is a result that holds `error`."""
    redactor = Redactor()
    sign_ins: dict[str, Auth] = {}
    context = context._replace(check_only=check_only, redactor=redactor, sign_ins=sign_ins)
    with redactor.active():
        found = await _interruptible(task, params, context)
        if "warnings" in found:
            found["warnings"] = [one_line(text, LONGEST_WARNING) for text in found["warnings"]]
    refused = found.get("error", {}).get("code") == "sign_in_refused"
    used = {service: auth.way for service, auth in sign_ins.items() if auth.accepted and auth.way}
    if used and not refused:
        found["sign_in"] = used
    if skips_tls_verification(params, context.environ):
        insecure = "validate_certs is false: anyone on the way can read passwords and tokens. Give ca_path instead."
        found["warnings"] = [*found.get("warnings", []), insecure]
    return t.cast(dict[str, t.Any], redactor.redact_result(found))


async def _interruptible(task: TaskFunction, params: Params, context: RunContext) -> dict[str, t.Any]:
    """The task's result, or that a signal ended it before any target was planned."""
    interruption = Interruption()
    found: dict[str, t.Any] = {}
    async with anyio.create_task_group() as group:
        if context.signals is not None:
            group.start_soon(interruption.watch, context.signals)
        with interruption.scope() as scope:
            try:
                found = await task(params, context._replace(interruption=interruption))
            except CheckpointError as problem:
                found = result.failure(problem)
        group.cancel_scope.cancel()
    if scope.cancelled_caught:
        return result.failure(Interrupted(f"ended by {interruption.signal}.", changed_nothing=True))
    return found


async def converge(
    open_kinds: OpenKinds,
    params: Params,
    context: RunContext,
    show: t.Callable[[Member], t.Any] | None = None,
    review: Review | None = None,
) -> tuple[list[Member], float]:
    """Bring the targets that `open_kinds` finds to their specs: the members, and the seconds it took."""
    options = RunOptions.of(params)
    begun, deadline = anyio.current_time(), options.deadline()
    levels = Levels(options.concurrency)
    interruption, report = context.interruption or Interruption(), context.report or unheard
    fleet = options.fleet(deadline, context.check_only, interruption, levels, show, report)
    async with Providers(params, context._replace(pressure=levels.of), deadline) as providers:
        members = await reconcile(await open_kinds(providers, options, levels), replace(fleet, review=review))
    return members, round(anyio.current_time() - begun, 2)
