# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was approved before the run: `expected_plan`."""

from __future__ import annotations

import typing as t

from .errors import ApprovalMissing, InvalidInput, PlanChanged
from .plan import Action, Plan, Terms, digest, to_result
from .plan_document import from_json, plan_of

_OPTION = "expected_plan"


class Approval:
    """An approved plan (what is left of it passes) or an approved digest (only that very plan passes)."""

    def __init__(self, approved: str | dict[str, t.Any]) -> None:
        self._digest: str | None = None
        self._ids: set[str] = set()
        self._group: Terms | None = None
        if isinstance(approved, str) and approved.lstrip().startswith("{"):
            # From the command line a plan arrives as JSON text.
            approved = from_json(approved, _OPTION)
        if isinstance(approved, str):
            if not approved.startswith("sha256:") or len(approved) != 71:
                raise InvalidInput("expected_plan: takes a plan as returned, or its digest (sha256:…)")
            self._digest = approved
        else:
            plan = plan_of(approved, _OPTION)
            self._ids = {action["id"] for action in plan["actions"]}
            self._group = plan.get("group")

    @property
    def is_of_all(self) -> bool:
        """Whether it is a digest, which only all plans of the task together can fit."""
        return self._digest is not None

    def check(
        self,
        plans: t.Sequence[Plan],
        *,
        part: bool = False,
        done: t.Sequence[Action] = (),
        group: Terms | None = None,
    ) -> None:
        """PlanChanged unless `plans` stay within what was approved; with `part` they are a part of the task's plan.

        What was `done` is used up: where an approved checkpoint went and somebody made one anew, that one was not
        approved to go.
        """
        writes = [action for plan in plans for action in plan.writes]
        if not writes:
            return
        if self._digest is not None and not part:
            if digest(plans, group) != self._digest:
                raise self._changed(plans, [action.title() for action in writes], group)
            # From here on the plan itself is what was approved: a plan made anew after a lock must stay within it.
            self._ids = {action.id for action in writes}
            return
        used_up = {action.id for action in done if action.verb in ("create", "delete")}
        extra = [action.title() for action in writes if action.id not in self._ids - used_up]
        if not part and group != self._group:
            extra.append(f"{_terms(group)} instead of {_terms(self._group)}")
        if extra:
            raise self._changed(plans, extra, group)

    def _changed(self, plans: t.Sequence[Plan], extra: t.Sequence[str], group: Terms | None) -> PlanChanged:
        differences = "; ".join(f"+ {text}" for text in extra)
        plan = to_result(plans, group)
        text = f"what would be done is not what was approved: {differences}."
        remedy = f"Approve the new plan: {plan['digest']}"
        if self._digest == plan["checksum"]:
            text = "expected_plan is the checksum of this plan, which approves nothing."
            remedy = f"Give the plan itself, or its digest: {plan['digest']}"
        problem = PlanChanged(text, subject="plan", remedy=remedy, changed_nothing=True)
        problem.plan = plan
        return problem


def _terms(group: Terms | None) -> str:
    """A group in the few words of an error."""
    if group is None:
        return "no group"
    return f"a group ({', '.join(f'{name}: {value}' for name, value in sorted(group.items()))})"


def is_given(approved: object) -> bool:
    """Whether `expected_plan` holds anything: not null, nor what an empty variable leaves (blank text, `{}`, `[]`)."""
    return bool(approved.strip()) if isinstance(approved, str) else approved not in (None, {}, [])


def missing() -> ApprovalMissing:
    """The error for a task that must be approved and is not: a gate whose variable is empty must not stand open."""
    return ApprovalMissing(
        "expected_plan: is not given, and require_approval is set.",
        remedy="Run the task in check mode, have its plan approved, and give that plan as expected_plan.",
        changed_nothing=True,
    )
