# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From references to each VM and the service that has it, before anything is written."""

from __future__ import annotations

import copy
import math
import typing as t
from collections import deque
from functools import partial

from .._core.errors import (
    BadResponse,
    CheckpointError,
    InvalidInput,
    ServiceError,
    SignInRefused,
    Unavailable,
    Unreachable,
    UntrustedTls,
)
from .._core.model import ObservedVm
from .._core.targets import VM
from .._core.times import show_seconds
from .._deps import anyio
from .._engine.concurrency import Levels, side_by_side
from .._engine.kind import Kind
from .._engine.patience import share_of
from .._engine.run_options import RunOptions
from .._engine.unread import Unread
from .._providers import Provider, Providers
from .vm_references import Fail, ends_the_task

Make: t.TypeAlias = t.Callable[[Provider, VM], Kind[ObservedVm]]
SILENCE = 120.0
"""Seconds for which a service may leave the first of its VMs without an answer, where others have VMs in the task."""
SILENT = 5
"""VMs for which it may give no useful answer, one after the other."""


async def resolve(providers: Providers, references: t.Sequence[str], levels: Levels) -> list[tuple[Provider, VM]]:
    """Each reference's service and VM. The first failure is the task's."""
    found = await look_up(providers, references, levels, ends_the_task)
    return [found[position] for position in range(len(references))]


async def open_each(
    make: Make, references: t.Sequence[str], providers: Providers, options: RunOptions, levels: Levels
) -> list[Kind[ObservedVm]]:
    """What is to be done with each VM.

    Where the task tries all of its VMs, one whose service does not say what it is keeps the error to itself, unless
    that is all that comes of a task with one service. A reference that means no VM, or several, is a mistake in the
    task and always ends it.
    """
    tries_all = options.on_error == "continue" and options.group is None
    unread: dict[int, CheckpointError] = {}

    def fail(position: int, problem: CheckpointError) -> None:
        if not tries_all or not isinstance(problem, ServiceError):
            raise problem from None
        unread[position] = problem

    found = await look_up(providers, references, levels, fail)
    services = {Providers.service_of(references[position]) for position in unread}
    if not found and len(services) == 1:
        raise unread[min(unread)]
    for provider, vm in found.values():
        _require_findable(provider, vm, options)
    return [
        make(*found[position]) if position in found else Unread(_unread(reference), unread[position])
        for position, reference in enumerate(references)
    ]


def _unread(reference: str) -> VM:
    """What a result shows of a VM that only its reference is known of."""
    service = Providers.service_of(reference)
    return VM(reference=reference, name=reference, id="", canonical=reference, provider=service, service="")


def _require_findable(provider: Provider, vm: VM, options: RunOptions) -> None:
    """InvalidInput for a task that would not wait where nothing leads back to what it started."""
    if not options.wait and not provider.capabilities.operations_findable:
        raise InvalidInput(
            f"wait: false is not possible on {provider.capabilities.title}: nothing leads back to operations.",
            subject=str(vm),
            remedy="Leave wait out.",
        )


async def look_up(
    providers: Providers,
    references: t.Sequence[str],
    levels: Levels,
    fail: Fail,
    skip: t.Container[int] = (),
) -> dict[int, tuple[Provider, VM]]:
    """Each reference's service and VM, by its position, but for those that `fail` took. Services go side by side.

    A refused sign-in and a wrong option of the connection are raised.
    """
    of_services: dict[str, list[int]] = {}
    for position in (each for each in range(len(references)) if each not in skip):
        try:
            of_services.setdefault(providers.service_of(references[position]), []).append(position)
        except InvalidInput as problem:
            fail(position, problem)
    found: dict[int, tuple[Provider, VM]] = {}
    several = len(of_services) > 1
    silence = share_of(providers.deadline, SILENCE) if several else SILENCE if len(references) > 1 else math.inf
    ways = []
    for service, positions in of_services.items():
        share = Share(positions, silence, others_wait=several)
        ways.append(partial(_Service(service, providers, references, found, fail, share).run, levels))
    await side_by_side(ways)
    _refuse_twins(found[position][1] for position in sorted(found))
    return found


class Share(t.NamedTuple):
    """A service's part: its VMs' positions, how long it may be silent, whether other services' VMs wait for it."""

    positions: t.Sequence[int]
    silence: float
    others_wait: bool


class _Service:
    """The VMs of one service. One that cannot be reached, or gives no answer, is not asked again for each of them."""

    def __init__(
        self,
        service: str,
        providers: Providers,
        references: t.Sequence[str],
        found: dict[int, tuple[Provider, VM]],
        fail: Fail,
        share: Share,
    ) -> None:
        self._service, self._providers, self._references = service, providers, references
        self._found, self._fail, self._share = found, fail, share
        self._provider: Provider | None = None
        self._signed_in = False
        self._unanswered = 0
        self._closed: CheckpointError | None = None

    async def run(self, levels: Levels) -> None:
        """The first VM goes alone: a wrong password is then tried once, not once for each VM (accounts lock)."""
        rest = deque(self._share.positions)
        until = anyio.current_time() + self._share.silence
        while rest and not self._signed_in:
            await self._within(until - anyio.current_time(), rest.popleft())
            if anyio.current_time() >= until and not self._signed_in:
                self._closed = self._closed or self._no_answer()
        others_wait = self._share.others_wait
        if self._provider is not None and self._closed is None:
            with anyio.move_on_after(2 * self._share.silence if others_wait else None):
                await self._provider.prefetch([self._references[position] for position in rest])
        limit = self._share.silence if others_wait else math.inf
        level = levels.of(self._providers.address_of(self._service)).reading
        await level.each(rest, partial(self._within, limit))

    async def _within(self, seconds: float, position: int) -> None:
        """Look one up, at most for so long."""
        if self._closed is not None:
            self._fail(position, _not_asked(self._closed, self._references[position]))
            return
        with anyio.move_on_after(seconds) as scope:
            await self._one(position)
        if scope.cancelled_caught:
            self._is_silent(self._no_answer())
            self._fail(position, self._no_answer().default_subject(f"vm {self._references[position]}"))

    async def _one(self, position: int) -> None:
        reference = self._references[position]
        try:
            self._provider = await self._providers.of(reference)
        except (InvalidInput, SignInRefused):
            raise
        except CheckpointError as problem:
            self._closed = problem
            self._fail(position, _again(problem))
            return
        try:
            # The first VM is read before the others, whatever its reference says of it.
            vm = self._provider.identify(reference) if self._signed_in else None
            self._found[position] = (self._provider, vm or await self._provider.resolve(reference))
            self._signed_in, self._unanswered = True, 0
        except SignInRefused:
            raise
        except CheckpointError as problem:
            if isinstance(problem, InvalidInput) and not problem.subject:
                raise  # an option, not this VM
            if isinstance(problem, (Unreachable, UntrustedTls)):
                self._closed = problem
            elif isinstance(problem, Unavailable):
                self._is_silent(problem)
            self._signed_in = self._signed_in or not isinstance(problem, ServiceError) or problem.status is not None
            named = _again(problem)
            named = named.with_subject(_name(self._provider, reference)) if isinstance(problem, BadResponse) else named
            self._fail(position, named.default_subject(f"vm {reference}"))

    def _is_silent(self, problem: CheckpointError) -> None:
        """It gave one VM no useful answer. After a few in a row no other service's VMs are to wait for it."""
        self._unanswered += 1
        if self._share.others_wait and self._unanswered >= SILENT:
            self._closed = problem

    def _no_answer(self) -> Unavailable:
        return Unavailable(
            f"its service gave no answer within {show_seconds(self._share.silence)}.",
            remedy="Try again later, or give these VMs to a task of their own with a longer wait_timeout.",
        )


def _not_asked(problem: CheckpointError, reference: str) -> CheckpointError:
    """What keeps a VM from being looked up whose service has failed with others."""
    if not isinstance(problem, Unavailable):
        return _again(problem).default_subject(f"vm {reference}")
    return Unavailable(
        "was not asked for, because its service gave no useful answer for the VMs before it.",
        subject=f"vm {reference}",
        remedy=problem.remedy,
        status=problem.status,
    )


def _name(provider: Provider, reference: str) -> str:
    """A VM as readings name it; by its reference where only the service can tell which it is."""
    known = provider.identify(reference)
    return f"vm {reference}" if known is None else str(known)


def _again(problem: CheckpointError) -> CheckpointError:
    """The same error for another VM: each is shown, and added to, by itself."""
    again = copy.copy(problem)
    again.notes = list(problem.notes)
    return again.with_traceback(None)


def _refuse_twins(vms: t.Iterable[VM]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for vm in vms:
        key = (vm.service, vm.canonical)
        if key in seen:
            raise InvalidInput(
                f"vms: {seen[key]!r} and {vm.reference!r} are the same VM ({vm.canonical}).", remedy="Name it once."
            )
        seen[key] = vm.reference
