# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""What takes back the checkpoints that a run has made: only those that nobody else can have made."""

from __future__ import annotations

from .._core.model import Checkpoint, ObservedVm
from .._engine.kind import Reversal, Reversals
from .._engine.progress import Done, Progress
from .actions import Create, Delete

REASON = "undo: another VM of the group has failed"


def reversals(observed: ObservedVm, progress: Progress[ObservedVm]) -> Reversals:
    """A Delete of each checkpoint that this run is proven to have made.

    What a create of unknown outcome may have made, and what may be somebody else's, is never deleted.
    """
    writes: list[Reversal] = []
    gone, unproven = [], []
    for done in (*progress.done, *progress.failed):
        if not isinstance(done.action, Create):
            continue
        found = _proven(done, observed, progress)
        if found is not None:
            writes.append(Reversal(Delete(observed.vm, REASON, checkpoint=found), done))
        elif _may_be_there(done, done.action.name, observed, progress):
            unproven.append(done.action)
        elif done in progress.done:
            gone.append(done)
    unproven += [each for each in progress.unsettled if isinstance(each, Create)]
    return Reversals(tuple(writes), tuple(gone), tuple(unproven))


def _new(observed: ObservedVm, progress: Progress[ObservedVm]) -> list[Checkpoint]:
    """What was not there when the run began, or went in it and was made anew."""
    before = () if progress.before is None else progress.before.checkpoints
    gone = {action.checkpoint.id.lower() for action in progress.actions if isinstance(action, Delete)}
    known = {checkpoint.id.lower() for checkpoint in before} - gone
    return [checkpoint for checkpoint in observed.checkpoints if checkpoint.id.lower() not in known]


def _proven(done: Done, observed: ObservedVm, progress: Progress[ObservedVm]) -> Checkpoint | None:
    """The new checkpoint that bears this run's nonce; or, where a name has no room for one, the one that it was shown.

    Then the service's answer must have said that the create made it, and it must still be of the same time. Somebody
    may have pinned it since.
    """
    made: Checkpoint | None = done.completed.result
    found = [each for each in _new(observed, progress) if each.ownership.nonce == done.nonce]
    if not found and made is not None and done.created and made.ownership.nonce is None and made.created is not None:
        found = [each for each in _new(observed, progress) if each.id == made.id and each.created == made.created]
    if (
        len(found) != 1
        or not found[0].identified
        or (made is not None and (found[0].id != made.id or found[0].pin != made.pin))
    ):
        return None
    return found[0]


def _may_be_there(done: Done, name: str, observed: ObservedVm, progress: Progress[ObservedVm]) -> bool:
    """Whether what cannot be proven to be this run's may all the same be."""
    made: Checkpoint | None = done.completed.result
    if made is not None and made.identified:
        return observed.by_id(made.id) is not None
    return done in progress.done or any(each.matches_name(name) for each in _new(observed, progress))
