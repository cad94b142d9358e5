# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what will be done, in which order, and why; comparable with what was approved."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from .errors import InvalidInput, PlanChanged
from .formatting import format_value
from .model import VM, Checkpoint

VERSION = 1


@dataclass(frozen=True)
class Action:
    """One step. `verb` names it in plans, `reason` says which wish or rule asks for it."""

    verb: t.ClassVar[str] = ""
    writes: t.ClassVar[bool] = True

    vm: VM
    reason: str

    def target(self) -> dict[str, t.Any]:
        """What the step is about, as the user would name it: an existing id, a requested name, set fields."""
        raise NotImplementedError

    @property
    def kinds(self) -> tuple[str, ...]:
        """The verbs it stands for, as locks and other obstacles see it: alone, and with the thing they are about."""
        return (self.verb,)

    def identity(self) -> str:
        """What an approval covers: canonical VM id, service root, action, existing id or name, fields the user set."""
        about = {"action": self.verb, "vm_id": self.vm.canonical, "service": self.vm.service}
        return _canonical(about | _approved(self.target()))

    def to_result(self) -> dict[str, t.Any]:
        """The step as it stands in `plan.actions`."""
        return {
            "action": self.verb,
            "vm": self.vm.name,
            "vm_id": self.vm.canonical,
            "provider": self.vm.provider,
            "service": self.vm.service,
            **self.target(),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Create(Action):
    """A new checkpoint. `description` is None where the user set none; `safety` marks one taken before a restore.

    With `generate` the name begins a series, and the checkpoint gets one of its own behind it. With `strict` it must be
    known to be usable: max_age takes nothing less. `back_from` is, of a safety checkpoint, the id of the one that the
    restore behind it goes to.
    """

    verb = "create"
    name: str = ""
    description: str | None = None
    safety: bool = False
    key: str | None = None
    generate: bool = False
    strict: bool = False
    back_from: str = ""

    def target(self) -> dict[str, t.Any]:
        checkpoint: dict[str, t.Any] = {"name": self.name}
        if self.safety:
            checkpoint["safety"] = True
        if self.description is not None:
            checkpoint["description"] = self.description
        return {"checkpoint": checkpoint}


@dataclass(frozen=True)
class OnCheckpoint(Action):
    """A step about a checkpoint that exists."""

    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint(id="", name=""))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.verb, f"{self.verb} {self.checkpoint.id}".lower())

    def target(self) -> dict[str, t.Any]:
        return {"checkpoint": {"id": self.checkpoint.id, "name": self.checkpoint.name}}


@dataclass(frozen=True)
class Update(OnCheckpoint):
    """Another description for a checkpoint; nothing else of one can be changed."""

    verb = "update"
    description: str = ""

    def target(self) -> dict[str, t.Any]:
        fields = {"description": {"before": self.checkpoint.description, "after": self.description}}
        return {**super().target(), "fields": fields}


@dataclass(frozen=True)
class Delete(OnCheckpoint):
    """A checkpoint goes; what stands on it stays."""

    verb = "delete"


@dataclass(frozen=True)
class Restore(OnCheckpoint):
    """The VM goes back to a checkpoint; later ones stay. `keyed`: a restore_key will go by what the VM stands on."""

    verb = "restore"
    keyed: bool = False
    terms: t.Mapping[str, t.Any] = field(default_factory=dict)

    def target(self) -> dict[str, t.Any]:
        return {**super().target(), **({"terms": dict(self.terms)} if self.terms else {})}


@dataclass(frozen=True)
class Power(Action):
    """The VM is turned on or off; nothing happens where it already is."""

    verb = "power"
    on: bool = True

    def target(self) -> dict[str, t.Any]:
        return {"power": "on" if self.on else "off"}


@dataclass(frozen=True)
class Step(Action):
    """One part of something that takes several, such as a restore in place. `do` says what, `about` to which things.

    Its provider carries it out (`Provider.take`) and knows when it is done (`Provider.taken`); it is done once, however
    often it is asked for.
    """

    verb = "step"
    do: str = ""
    about: t.Mapping[str, t.Any] = field(default_factory=dict)
    undo: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        op = str(self.about.get("op") or "")
        return ("step", op, f"{op} {self.about.get('disk') or ''}".lower())

    def target(self) -> dict[str, t.Any]:
        return {"step": self.do, "about": dict(self.about)}


@dataclass(frozen=True)
class OnResource(Action):
    """A step about an Azure resource: `resource` is its id, `fields` what the user set, before and after."""

    resource: str = ""
    fields: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)

    def target(self) -> dict[str, t.Any]:
        return {"resource": self.resource, "fields": {name: dict(change) for name, change in self.fields.items()}}


@dataclass(frozen=True)
class CreateResource(OnResource):
    """A new resource."""

    verb = "create"


@dataclass(frozen=True)
class UpdateResource(OnResource):
    """Another value for what the service lets one change."""

    verb = "update"


@dataclass(frozen=True)
class DeleteResource(OnResource):
    """A resource goes; `fields` name what goes with it."""

    verb = "delete"


@dataclass(frozen=True)
class Keep(OnCheckpoint):
    """Not a step: the checkpoint that already satisfies the wish, and why."""

    verb = "keep"
    writes = False


@dataclass(frozen=True)
class Plan:
    """What one VM needs, in order. `satisfied_by` is the checkpoint that the wish ends on, where it exists already."""

    vm: VM
    actions: tuple[Action, ...] = ()
    warnings: tuple[str, ...] = ()
    drift: tuple[dict[str, t.Any], ...] = ()
    satisfied_by: Checkpoint | None = None

    @property
    def writes(self) -> tuple[Action, ...]:
        """The steps that change something."""
        return tuple(action for action in self.actions if action.writes)


def digest(plans: t.Sequence[Plan]) -> str:
    """One name for what would be changed: equal for equal plans, whoever reads them and whenever."""
    identities = [action.identity() for plan in plans for action in plan.writes]
    return "sha256:" + hashlib.sha256("\n".join(identities).encode()).hexdigest()


def to_result(plans: t.Sequence[Plan]) -> dict[str, t.Any]:
    """The `plan` key of results: versioned JSON that can be stored, shown and given back as `expected_plan`."""
    actions = [action.to_result() for plan in plans for action in plan.actions]
    return {"version": VERSION, "digest": digest(plans), "actions": actions}


class Approval:
    """What was approved: a whole plan (what is left of it passes) or a digest (only that very plan passes)."""

    def __init__(self, approved: str | dict[str, t.Any]) -> None:
        self._digest: str | None = None
        self._actions: dict[str, str] = {}
        if isinstance(approved, str) and approved.lstrip().startswith("{"):
            # From the command line a plan arrives as JSON text.
            approved = _from_json(approved)
        if isinstance(approved, str):
            if not approved.startswith("sha256:") or len(approved) != 71:
                raise InvalidInput("expected_plan: takes a plan as returned, or its digest (sha256:…)")
            self._digest = approved
            return
        if (
            not isinstance(approved, dict)
            or approved.get("version") != VERSION
            or not isinstance(approved.get("actions"), list)
        ):
            raise InvalidInput(f"expected_plan: is not a plan of version {VERSION} as returned under the key plan")
        for action in approved["actions"]:
            if not isinstance(action, dict):
                raise InvalidInput("expected_plan: an action is not a mapping")
            if action.get("action") != Keep.verb:
                about = {key: action.get(key) for key in ("action", "vm_id", "service")}
                self._actions[_canonical(about | _approved(action))] = _show(action)

    def check(self, plans: t.Sequence[Plan], *, part: bool = False, done: t.Sequence[Action] = ()) -> None:
        """PlanChanged unless `plans` stay within what was approved; with `part` they are a part of the task's plan.

        What was `done` is spent: one that somebody made anew where an approved one went was not approved to go.
        """
        writes = [action for plan in plans for action in plan.writes]
        if not writes:
            return
        if self._digest is not None:
            if not part and digest(plans) != self._digest:
                raise self._changed(plans, [f"+ {_show(action.to_result())}" for action in writes])
            if not part:
                # From here on the plan itself is what was approved: a plan made anew after a lock must stay within it.
                self._actions = {action.identity(): _show(action.to_result()) for action in writes}
                return
        spent = {action.identity() for action in done if action.verb in ("create", "delete")}
        extra = [action for action in writes if action.identity() not in self._actions.keys() - spent]
        if extra:
            raise self._changed(plans, [f"+ {_show(action.to_result())}" for action in extra])

    def _changed(self, plans: t.Sequence[Plan], differences: list[str]) -> PlanChanged:
        problem = PlanChanged(
            f"what would be done is not what was approved: {'; '.join(differences)}.",
            subject="plan",
            remedy=f"Approve the new plan: {digest(plans)}",
            changed_nothing=True,
        )
        problem.plan = to_result(plans)
        return problem


def _approved(action: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Of a step in its result's shape, what an approval covers: ids and what the user set, no old names."""
    checkpoint = _mapping(action.get("checkpoint"))
    about: dict[str, t.Any] = {}
    if checkpoint.get("id"):
        about["id"] = str(checkpoint["id"]).lower()
    elif checkpoint.get("safety"):
        about["safety"] = True  # its name is generated
    else:
        about["checkpoint"] = checkpoint
    if fields := _mapping(action.get("fields")):
        about["fields"] = {name: _mapping(change).get("after") for name, change in fields.items()}
    if action.get("resource"):
        about["resource"] = str(action["resource"]).lower()
    for plain in ("power", "step", "about", "terms"):
        if action.get(plain):
            about[plain] = action[plain]
    return about


def _from_json(text: str) -> dict[str, t.Any]:
    try:
        plan = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("expected_plan: is not readable JSON") from None
    return t.cast(dict[str, t.Any], plan)


def _show(action: t.Mapping[str, t.Any]) -> str:
    """`delete nightly-2026-10-31 of web03`"""
    what = (
        _mapping(action.get("checkpoint")).get("name")
        or action.get("power")
        or action.get("step")
        or _last(action.get("resource"))
    )
    return f"{action.get('action')} {what} of {action.get('vm')}{_set_by_user(action)}"


def _set_by_user(action: t.Mapping[str, t.Any]) -> str:
    """The fields that the user set, for two steps that differ in nothing else."""
    told = {name: _mapping(change).get("after") for name, change in _mapping(action.get("fields")).items()}
    told |= {**_mapping(action.get("terms")), **_mapping(_mapping(action.get("about")).get("terms"))}
    if (text := _mapping(action.get("checkpoint")).get("description")) is not None:
        told["description"] = text
    return f" {format_value([dict(sorted(told.items()))])}" if told else ""


def _last(resource: object) -> str:
    """The name at the end of a resource's id."""
    return str(resource or "").rsplit("/", 1)[-1]


def _mapping(value: object) -> t.Mapping[str, t.Any]:
    """An approved plan is input: what is no mapping where one belongs approves nothing."""
    return value if isinstance(value, dict) else {}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
