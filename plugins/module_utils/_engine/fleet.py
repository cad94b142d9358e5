# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VMs in one task: all references resolved first, all planned, then applied with bounded concurrency."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import BadResponse, CheckpointError, InvalidInput, OutcomeUnknown, SignInRefused
from .._core.model import VM, Inventory
from .._core.plan import Approval
from .._core.spec import Wish
from .._providers import Provider, Providers, Scope
from .reconciler import Reconciler
from .run_options import bounded
from .verification import Pace

State = t.Literal["changed", "unchanged", "failed", "not_started", "outcome_unknown"]


@dataclass
class Member:
    """One VM of a task: how far it came, and what stopped it."""

    run: Reconciler
    error: CheckpointError | None = None
    started: bool = False

    @property
    def state(self) -> State:
        """What became of it, in the words of the result."""
        if isinstance(self.error, OutcomeUnknown):
            return "outcome_unknown"
        if self.error is not None:
            return "failed"
        if not self.started:
            return "not_started"
        return "changed" if self.run.changed else "unchanged"


@dataclass(frozen=True)
class Terms:
    """How a task treats its VMs. `check_only` stops after the plan."""

    pace: Pace
    approval: Approval | None = None
    concurrency: int = 4
    on_error: t.Literal["continue", "stop"] = "continue"
    check_only: bool = False


async def resolve(providers: Providers, references: t.Sequence[str], concurrency: int) -> list[tuple[Provider, VM]]:
    """Each reference's service and VM, before anything is written. The first failure is the task's."""
    found: dict[int, tuple[Provider, VM]] = {}

    async def one(position: int) -> None:
        provider = await providers.of(references[position])
        try:
            found[position] = (provider, await provider.resolve(references[position]))
        except BadResponse as problem:
            raise problem.with_subject(f"vm {references[position]}") from None

    # Each service's first VM goes alone: a wrong password is then tried once, not once for each VM (accounts lock).
    signed_in: set[int] = set()
    rest = []
    for position, reference in enumerate(references):
        provider = await providers.of(reference)
        if id(provider) in signed_in:
            rest.append(position)
        else:
            signed_in.add(id(provider))
            await one(position)
    await bounded(rest, one, concurrency)
    resolved = [found[position] for position in range(len(references))]
    seen: dict[tuple[str, str], str] = {}
    for _provider, vm in resolved:
        key = (vm.service, vm.canonical)
        if key in seen:
            raise InvalidInput(
                f"vms: {seen[key]!r} and {vm.reference!r} are the same VM ({vm.canonical}).", remedy="Name it once."
            )
        seen[key] = vm.reference
    return resolved


async def reconcile(providers: Providers, references: t.Sequence[str], wish: Wish, terms: Terms) -> list[Member]:
    """Bring every VM to the wish. The errors of single VMs stay with their members; what concerns all is raised."""
    resolved = await resolve(providers, references, terms.concurrency)
    members = [Member(Reconciler(provider, vm, wish, terms.pace)) for provider, vm in resolved]
    if not terms.pace.wait:
        for provider, vm in resolved:
            if not provider.capabilities.operations_findable:
                raise InvalidInput(
                    f"wait: false is not possible on {provider.capabilities.title}: nothing leads back to operations.",
                    subject=str(vm),
                    remedy="Leave wait out.",
                )
    await _each(members, _prepare, terms)
    for member in members:
        if isinstance(member.error, InvalidInput):
            raise member.error  # an option that cannot be meant for one VM stops the task before anything is sent
    planned = [member.run.plan for member in members]
    if terms.approval is not None:
        terms.approval.check(planned)
    if terms.check_only or (terms.on_error == "stop" and any(member.error for member in members)):
        return members
    await _each([member for member in members if member.error is None], _carry_out, terms)
    return members


async def _prepare(member: Member, terms: Terms) -> None:
    await member.run.prepare()


async def _carry_out(member: Member, terms: Terms) -> None:
    member.started = True
    if member.run.plan.writes:
        await member.run.carry_out(terms.approval)


async def _each(members: t.Sequence[Member], do: t.Callable[[Member, Terms], t.Awaitable[None]], terms: Terms) -> None:
    """`do` for each member. Errors stay with their VM, but for a sign-in that fails before anything was sent."""
    stop = False

    async def one(member: Member) -> None:
        nonlocal stop
        if stop:
            return
        try:
            await do(member, terms)
        except SignInRefused as problem:
            if not member.started:
                raise  # while planning it concerns all, and nothing has been sent
            member.error = member.run.failure(problem)
            stop = True
        except CheckpointError as error:
            member.error = member.run.failure(error)
            stop = stop or terms.on_error == "stop"

    await bounded(members, one, terms.concurrency)


class Finding(t.NamedTuple):
    """One VM as `vm_checkpoint_info` found it: its inventory, or why it could not be read."""

    provider: Provider
    vm: VM
    actual: Inventory | None
    error: CheckpointError | None


async def gather(
    providers: Providers, references: t.Sequence[str], scope: Scope | None, concurrency: int
) -> list[Finding]:
    """Read the VMs that are named, or all of a scope, in that order."""
    targets: list[tuple[Provider, VM | Inventory]]
    if scope is None:
        targets = [*await resolve(providers, references, concurrency)]
    else:
        provider = await providers.of_scope(scope)
        targets = [(provider, vm) for vm in await provider.everything(scope)]
    found: dict[int, Finding] = {}

    async def one(position: int) -> None:
        provider, vm = targets[position]
        if isinstance(vm, Inventory):
            found[position] = Finding(provider, vm.vm, vm, None)
            return
        try:
            found[position] = Finding(provider, vm, await provider.read(vm, whole=False), None)
        except SignInRefused:
            raise
        except CheckpointError as error:
            found[position] = Finding(provider, vm, None, error.default_subject(str(vm)))

    await bounded(range(len(targets)), one, concurrency)
    return [found[position] for position in range(len(targets))]
