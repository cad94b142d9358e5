# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a group of VMs, as results show it."""

from __future__ import annotations

import typing as t

from .._checkpoints.actions import Create, Restore
from .._core.model import Checkpoint, ObservedVm
from .._engine.group import Group
from .._engine.member import Member
from .._engine.reconciler import Reconciler

MOST_NAMED = 20
Run = Reconciler[ObservedVm]


class GroupView:
    """The `group` key, what it adds to each VM, and what the error of a failed group says of the others."""

    def __init__(self, group: Group, *, restores: bool) -> None:
        self.group, self._restores = group, restores

    def keys(self, members: t.Sequence[Member], *, check_only: bool) -> dict[str, t.Any]:
        """How far the group came as a whole."""
        shown: dict[str, t.Any] = {**self.group.to_result(), "complete": _complete(members, check_only)}
        if self._restores:
            shown |= {place: [_name(member) for member in found] for place, found in _places(members).items()}
        shown["created"] = [_point(member, point) for member in members for point in _created(member.reconciler)]
        if not self._restores:
            shown["undone"] = [_point(member, point) for member in members for point in _undone(member)]
        shown["unknown"] = [
            {"vm": _name(member), "name": name} for member in members for name in _unknown(member.reconciler)
        ]
        return shown

    def of_member(self, member: Member) -> dict[str, t.Any]:
        """What became of undoing it."""
        if self.group.on_failure != "undo":
            return {}
        undo = member.undo
        error = None if undo is None or undo.error is None else undo.error.to_result()
        return {"undo": None if undo is None else undo.state, "undo_error": error}

    def note(self, members: t.Sequence[Member]) -> str:
        """What an error adds, for whoever reads no further."""
        if self._restores:
            places = _places(members)
            went, rest = _named(places["went_back"]), _named([*places["unfinished"], *places["not_back"]])
            return f"Went back: {went}. Did not, or not wholly: {rest}."
        created = [(member, point) for member in members for point in _created(member.reconciler)]
        undone = sum(len(_undone(member)) for member in members)
        texts = (
            [f"Removed again: {undone} of {undone + len(created)} checkpoints that this run had created."]
            if undone
            else []
        )
        if created:
            shown = [f"{member.reconciler.kind.target.name} ({point.id})" for member, point in created[:MOST_NAMED]]
            texts.append(f"Created by this run, and there: {_listed(shown, len(created))}.")
        unclear = [member for member in members if _unknown(member.reconciler)]
        texts += [f"Whether one was created is open (outcome_unknown): {_named(unclear)}."] if unclear else []
        return " ".join(texts)


def _complete(members: t.Sequence[Member], check_only: bool) -> bool:
    """Whether every VM is as the task asks; in check mode, whether it is already."""
    if any(member.error is not None for member in members):
        return False
    return all(not member.reconciler.plan.writes if check_only else member.finished for member in members)


def _places(members: t.Sequence[Member]) -> dict[str, list[Member]]:
    """Where a restore has left the VMs: back, begun and not through, or not begun."""
    found: dict[str, list[Member]] = {"went_back": [], "unfinished": [], "not_back": []}
    for member in members:
        progress = member.reconciler.progress
        second = {action.id for action in member.reconciler.plan.halves()[1].writes}
        if member.finished or any(isinstance(action, Restore) for action in progress.actions):
            found["went_back"].append(member)
        elif any(action.id in second for action in progress.begun):
            found["unfinished"].append(member)
        else:
            found["not_back"].append(member)
    return found


def _created(run: Run) -> list[Checkpoint]:
    """What this run has made there and not taken back."""
    results = [each.completed.result for each in run.progress.done if isinstance(each.action, Create)]
    return [each for each in results if each is not None]


def _undone(member: Member) -> list[Checkpoint]:
    removed = () if member.undo is None else member.undo.removed
    return [checkpoint for action in removed if (checkpoint := getattr(action, "checkpoint", None)) is not None]


def _unknown(run: Run) -> list[str]:
    """The names of what may have been made there."""
    progress = run.progress
    found = [*progress.unsettled]
    found += [each.action for each in progress.done if each.completed.result is None]
    return [action.name for action in found if isinstance(action, Create)]


def _point(member: Member, checkpoint: Checkpoint) -> dict[str, t.Any]:
    return {"vm": _name(member), "id": checkpoint.known_id, "name": checkpoint.name}


def _name(member: Member) -> str:
    """The VM as the user wrote it."""
    target = member.reconciler.kind.target
    return str(getattr(target, "reference", target.name))


def _named(members: t.Sequence[Member]) -> str:
    """Short, for a text; the `group` key has them as the user wrote them."""
    names = [member.reconciler.kind.target.name for member in members[:MOST_NAMED]]
    return _listed(names, len(members)) or "none"


def _listed(shown: t.Sequence[str], count: int) -> str:
    more = [f"{count - len(shown)} more"] if count > len(shown) else []
    return ", ".join([*shown, *more])
