# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a task is about: from the options to each VM and the service that has it."""

from __future__ import annotations

import typing as t

from .._core.errors import CheckpointError, InvalidInput
from .._core.spec import OMIT
from .run import Params

MAX_REFERENCE = 1024
VMS_EMPTY = "vms is empty: there is nothing to do."
Fail: t.TypeAlias = t.Callable[[int, CheckpointError], None]
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
    references = list(vms or [])
    for position, reference in enumerate(references):
        try:
            _check_reference(reference, f"vms, element {position + 1} of {len(references)}")
        except InvalidInput as problem:
            fail(position, problem)
    return references


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
