# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a task is about: from the options to each VM and the service that has it."""

from __future__ import annotations

import typing as t
from collections import Counter

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
from .._core.model import VM, ObservedVm
from .._core.spec import OMIT
from .._engine.concurrency import Concurrency
from .._engine.kind import Kind
from .._engine.run_options import RunOptions
from .._engine.unread import Unread
from .._providers import Provider, Providers
from .run import Params

MAX_REFERENCE = 1024
SILENT = 3
"""VMs that a service may leave without an answer, one after the other, before it counts as one that gives none."""
VMS_EMPTY = "vms is empty: there is nothing to do."
Make = t.Callable[[Provider, VM], Kind[ObservedVm]]
Fail = t.Callable[[int, CheckpointError], None]
"""Takes the failure of the VM at that place of the list, and raises it where the task is to end."""


def ends_the_task(_position: int, problem: CheckpointError) -> None:
    """For tasks that change something: all VMs are known before anything is sent."""
    raise problem from None


def references_of(
    params: Params, *, scope: str | None = None, takes_scope: bool = False, fail: Fail = ends_the_task
) -> list[str]:
    """The references of `vm` or `vms`; none where the list is empty, which is never the whole scope.

    The modules declare the same rule, which a null in a playbook passes.
    """
    vm, vms = params.get("vm"), params.get("vms")
    if [vm, vms, scope].count(None) != 2:
        raise InvalidInput(f"exactly one of {'vm, vms and scope' if takes_scope else 'vm and vms'} is needed.")
    if vms is not None and not vms and params.get("expected_plan") is not None:
        raise InvalidInput(
            "vms: is an empty list beside expected_plan: whoever approved a plan meant some VM.",
            remedy="Give the VMs that the plan is for.",
        )
    if vm is not None:
        _check_reference(vm, "vm")
        return [vm]
    for position, reference in enumerate(vms or [], 1):
        try:
            _check_reference(reference, f"vms, element {position} of {len(vms or [])}")
        except InvalidInput as problem:
            fail(position - 1, problem)
    return list(vms or [])


def _check_reference(reference: str, option: str) -> None:
    """InvalidInput that says which one it is: a list of hundreds is made by a template."""
    takes = "Give a name, a GUID or an ARM resource id."
    if not reference.strip():
        raise InvalidInput(f"{option}: is empty.", remedy=f"{takes} {OMIT}")
    if len(reference) > MAX_REFERENCE or not reference.isprintable():
        raise InvalidInput(
            f"{option}: is longer than {MAX_REFERENCE} characters or holds control characters.", remedy=takes
        )
    if reference != reference.strip():
        raise InvalidInput(
            f'{option}: "{reference}" begins or ends with white space.', remedy="Remove it; no VM is called so."
        )


async def resolve(
    providers: Providers, references: t.Sequence[str], concurrency: Concurrency
) -> list[tuple[Provider, VM]]:
    """Each reference's service and VM, before anything is written. The first failure is the task's."""
    found = await look_up(providers, references, concurrency, ends_the_task)
    return [found[position] for position in range(len(references))]


async def open_each(
    make: Make, references: t.Sequence[str], providers: Providers, options: RunOptions, concurrency: Concurrency
) -> list[Kind[ObservedVm]]:
    """What is to be done with each VM, before anything is written.

    Where the task tries all of its VMs, one whose service does not say what it is keeps the error to itself, unless it
    is so with all of them. A reference that means no VM, or several, is a mistake in the task and always ends it.
    """
    tries_all = options.on_error == "continue" and options.group is None
    unread: dict[int, CheckpointError] = {}

    def fail(position: int, problem: CheckpointError) -> None:
        if not tries_all or not isinstance(problem, ServiceError):
            raise problem from None
        unread[position] = problem

    found = await look_up(providers, references, concurrency, fail)
    if unread and not found:
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
    concurrency: Concurrency,
    fail: Fail,
    skip: t.Container[int] = (),
) -> dict[int, tuple[Provider, VM]]:
    """Each reference's service and VM, by its place, but for those that `fail` took.

    A refused sign-in and a wrong option of the connection are raised. A service that cannot be reached, or has given no
    answer to the first few of its VMs, is not asked again for each of the others.
    """
    found: dict[int, tuple[Provider, VM]] = {}
    opened: dict[str, Provider] = {}
    closed: dict[str, CheckpointError] = {}
    signed_in: set[str] = set()
    unanswered: Counter[str] = Counter()

    async def one(position: int, service: str) -> None:
        reference = references[position]
        try:
            provider = await providers.of(reference)
        except (InvalidInput, SignInRefused):
            raise
        except CheckpointError as problem:
            closed[service] = problem
            fail(position, problem)
            return
        opened[service] = provider
        try:
            # Each service's first VM is read before the others, whatever its reference says of it.
            vm = provider.identify(reference) if service in signed_in else None
            found[position] = (provider, vm or await provider.resolve(reference))
            signed_in.add(service)
        except SignInRefused:
            raise
        except CheckpointError as problem:
            if isinstance(problem, InvalidInput) and not problem.subject:
                raise  # an option, not this VM
            if isinstance(problem, (Unreachable, UntrustedTls)):
                closed[service] = problem
            elif not isinstance(problem, ServiceError) or problem.status is not None:
                signed_in.add(service)
            elif isinstance(problem, Unavailable) and service not in signed_in:
                unanswered[service] += 1
                if unanswered[service] == SILENT:
                    closed[service] = problem
            named = problem.with_subject(f"vm {reference}") if isinstance(problem, BadResponse) else problem
            fail(position, named.default_subject(f"vm {reference}"))

    # Each service's first VM goes alone: a wrong password is then tried once, not once for each VM (accounts lock).
    rest: list[tuple[int, str]] = []
    for position in (each for each in range(len(references)) if each not in skip):
        try:
            service = providers.service_of(references[position])
        except InvalidInput as problem:
            fail(position, problem)
            continue
        if service in closed:
            fail(position, closed[service])
        elif service in signed_in:
            rest.append((position, service))
        else:
            await one(position, service)

    for service, provider in opened.items():
        if service not in closed:
            await provider.prefetch([references[position] for position, name in rest if name == service])

    async def another(each: tuple[int, str]) -> None:
        position, service = each
        if service in closed:
            fail(position, closed[service])
        else:
            await one(position, service)

    await concurrency.each(rest, another)
    _refuse_twins(found[position][1] for position in sorted(found))
    return found


def _refuse_twins(vms: t.Iterable[VM]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for vm in vms:
        key = (vm.service, vm.canonical)
        if key in seen:
            raise InvalidInput(
                f"vms: {seen[key]!r} and {vm.reference!r} are the same VM ({vm.canonical}).", remedy="Name it once."
            )
        seen[key] = vm.reference
