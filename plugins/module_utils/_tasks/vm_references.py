# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a task is about: from the options to each VM and the service that has it."""

from __future__ import annotations

import typing as t

from .._core.errors import BadResponse, InvalidInput
from .._core.model import VM
from .._core.spec import OMIT
from .._engine.concurrency import bounded
from .._providers import Provider, Providers
from .run import Params

MAX_REFERENCE = 1024
VMS_EMPTY = "vms is empty: there is nothing to do."


def references_of(params: Params, *, scope: str | None = None, takes_scope: bool = False) -> list[str]:
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
        _check_reference(reference, f"vms, element {position} of {len(vms or [])}")
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
