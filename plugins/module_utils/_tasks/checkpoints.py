# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module does, without Ansible: from its options to its result."""

from __future__ import annotations

import re
import typing as t

from .._core.errors import CheckpointError, InvalidInput, SomeFailed
from .._core.formatting import one_line
from .._core.model import VM, Checkpoint, Inventory
from .._core.operation import Deadline
from .._core.redaction import Redactor
from .._core.settings import skips_tls_verification
from .._core.spec import Absent, Duration, Name, Present, RestoreTo, Wish, validate_options
from .._deps import anyio, pydantic
from .._engine.fleet import Terms, gather, reconcile
from .._engine.run_options import approval_of, manner_of
from .._providers import Provider, Providers, Scope, World
from . import result as _result

MAX_REFERENCE = 1024
LONGEST_WARNING = 3000
"""Characters: what a service shows stands in warnings too, and it may show anything."""
Run = t.Callable[[t.Mapping[str, t.Any], bool, World, Redactor], t.Awaitable[dict[str, t.Any]]]


async def finish(run: Run, params: t.Mapping[str, t.Any], check_only: bool, world: World) -> dict[str, t.Any]:
    """The finished result of a module, secrets masked; a failure is a result that holds `error`."""
    redactor = Redactor()
    with redactor.active():
        result = await _ended(run, params, check_only, world, redactor)
        if "warnings" in result:
            result["warnings"] = [one_line(text, LONGEST_WARNING) for text in result["warnings"]]
    if skips_tls_verification(params, world.environ):
        told = "validate_certs is false: anyone on the way can read passwords and tokens. Give ca_path instead."
        result["warnings"] = [*result.get("warnings", []), told]
    return t.cast(dict[str, t.Any], redactor.redact_result(result))


async def _ended(
    run: Run, params: t.Mapping[str, t.Any], check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    try:
        return await run(params, check_only, world, redactor)
    except CheckpointError as problem:
        return _result.failure(problem)


class InfoQuery(pydantic.BaseModel):
    """Which checkpoints `vm_checkpoint_info` shows."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    managed: bool | None = None
    older_than: Duration | None = None
    younger_than: Duration | None = None
    scope: t.Literal["spf", "scvmm", "compute"] | None = None
    resource_group: Name | None = None

    @pydantic.field_validator("resource_group")
    @classmethod
    def _group(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w().-]{0,89}[\w()-]", value):
            raise ValueError("takes up to 90 letters, digits and - _ . ( ), and does not end in a dot")
        return value

    def asks_for(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint passes the filters by name and owner."""
        return (self.name is None or checkpoint.matches_name(self.name)) and (
            self.managed is None or checkpoint.managed == self.managed
        )

    def shows(self, checkpoint: Checkpoint, actual: Inventory) -> bool:
        """Whether the checkpoint passes every filter; one of unknown age passes no filter by age."""
        age = checkpoint.age_seconds(actual.now)
        return (
            self.asks_for(checkpoint)
            and (self.older_than is None or (age is not None and age > self.older_than.total_seconds()))
            and (self.younger_than is None or (age is not None and age <= self.younger_than.total_seconds()))
        )

    def ageless(self, inventories: t.Sequence[Inventory]) -> str | None:
        """What to tell of the checkpoints that a filter by age left out because nobody knows their age."""
        filters = " and ".join(name for name in ("older_than", "younger_than") if getattr(self, name) is not None)
        of = [each.vm.name for each in inventories for c in each.checkpoints if self.asks_for(c) and c.created is None]
        if not filters or not of:
            return None
        vms = list(dict.fromkeys(of))
        more = f" and {len(vms) - 5} more VMs" if len(vms) > 5 else ""
        listed = f"{', '.join(vms[:5])}{more}"
        return (
            f"{filters}: {len(of)} checkpoints of unknown age were left out, of {listed}; they may be older or younger."
        )


async def vm_checkpoint(
    params: t.Mapping[str, t.Any], check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    """A named checkpoint is present or absent."""
    asked = {name: params.get(name) for name in ("name", "checkpoint_id", "on_ambiguous")}
    wish: Wish
    if params.get("state") == "absent":
        for option in ("max_age", "supersede"):
            if params.get(option):
                raise InvalidInput(f"{option}: goes with state=present only.")
        wish = validate_options(Absent, asked)
    else:
        asked |= {name: params.get(name) for name in ("description", "max_age", "supersede")}
        wish = validate_options(Present, asked)
    return await _converge(wish, params, check_only, world, redactor)


async def vm_checkpoint_restore(
    params: t.Mapping[str, t.Any], check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    """A VM is brought back to a checkpoint."""
    wish = validate_options(RestoreTo, {name: params.get(name) for name in RestoreTo.model_fields})
    return await _converge(wish, params, check_only, world, redactor)


async def vm_checkpoint_info(
    params: t.Mapping[str, t.Any], check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    """What exists; changes nothing, in check mode or not."""
    query = validate_options(InfoQuery, {name: params.get(name) for name in InfoQuery.model_fields})
    manner = manner_of(params)
    deadline = Deadline(manner.wait_timeout.total_seconds())
    start = anyio.current_time()
    async with Providers(params, world, deadline, redactor) as providers:
        found = await gather(providers, _references(params, query), query_scope(query), manner.concurrency)
    shown, vms, failed = [], [], []
    for provider, vm, actual, error in found:
        vms.append(_vm(provider, vm, actual, error))
        if error is not None:
            failed.append(error)
        if actual is not None:
            named = {"vm": vm.reference, "vm_name": vm.name, "vm_id": vm.id, "provider": vm.provider}
            shown += [named | c.to_result(actual.now) for c in actual.checkpoints if query.shows(c, actual)]
    timing = {"total": round(anyio.current_time() - start, 2)}
    result: dict[str, t.Any] = {"changed": False, "checkpoints": shown, "vms": vms, "timing": timing}
    if (told := query.ageless([each.actual for each in found if each.actual is not None])) is not None:
        result["warnings"] = [told]
    if failed:
        problem = failed[0] if len(found) == 1 else SomeFailed(f"{len(failed)} of {len(found)} VMs: {failed[0]}")
        result |= _result.failure(problem)
    return result


def query_scope(query: InfoQuery) -> Scope | None:
    """The whole scope that is asked for, if one is."""
    if query.scope is None and query.resource_group is not None:
        raise InvalidInput("resource_group: goes with scope: scvmm or compute.")
    return Scope(query.scope, query.resource_group) if query.scope else None


async def _converge(
    wish: Wish, params: t.Mapping[str, t.Any], check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    manner = manner_of(params)
    approval = approval_of(params)
    references = _references(params, None)
    deadline = Deadline(manner.wait_timeout.total_seconds())
    terms = Terms(manner.pace(deadline), approval, manner.concurrency, manner.on_error, check_only)
    start = anyio.current_time()
    async with Providers(params, world, deadline, redactor) as providers:
        members = await reconcile(providers, references, wish, terms)
    total = round(anyio.current_time() - start, 2)
    if params.get("vms") is not None:
        return _result.many(members, check_only=check_only) | {"timing": {"total": total}}
    result = _result.one(members[0], check_only=check_only)
    result["timing"]["total"] = total
    return result


def _references(params: t.Mapping[str, t.Any], query: InfoQuery | None) -> list[str]:
    vm, vms = params.get("vm"), params.get("vms")
    given = [name for name, value in (("vm", vm), ("vms", vms), ("scope", query and query.scope)) if value is not None]
    choices = "vm and vms" if query is None else "vm, vms and scope"
    if len(given) != 1:
        told = f"{' and '.join(given)} are set" if given else "none is set"
        remedy = "Keep the one that is meant." if given else "Name a VM."
        raise InvalidInput(f"exactly one of {choices} is needed; {told}.", remedy=remedy)
    if vms is not None and not vms:
        raise InvalidInput("vms: is an empty list.", remedy="Name at least one VM, or skip the task with when.")
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
        raise InvalidInput(f"{option}: is empty.", remedy=takes)
    if len(reference) > MAX_REFERENCE or not reference.isprintable():
        raise InvalidInput(
            f"{option}: is longer than {MAX_REFERENCE} characters or holds control characters.", remedy=takes
        )
    if reference != reference.strip():
        raise InvalidInput(
            f'{option}: "{reference}" begins or ends with white space.', remedy="Remove it; no VM is called so."
        )


def _vm(provider: Provider, vm: VM, actual: Inventory | None, error: CheckpointError | None) -> dict[str, t.Any]:
    return {
        "vm": vm.reference,
        "name": vm.name,
        "vm_id": vm.id,
        "provider": provider.capabilities.provider,
        "power": None if actual is None else actual.power,
        "checkpoint_count": None if actual is None else len(actual.checkpoints),
        "error": None if error is None else error.to_result(),
    }
