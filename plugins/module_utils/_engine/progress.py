# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has done so far."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._core.plan import Action, Plan

Observed = t.TypeVar("Observed")


@dataclass(frozen=True)
class Completed:
    """What a write, or the end of a run, has led to: the thing in the result, what else was made, what to warn of."""

    result: t.Any = None
    duplicates: tuple[t.Any, ...] = ()
    warnings: tuple[str, ...] = ()
    drift: tuple[dict[str, t.Any], ...] | None = None


@dataclass(frozen=True)
class Done:
    """An action that was carried out, and what it led to.

    `nonce` is what this run called it by; `created`: the service's own answer said that it has made something new.
    `context` is what errors call the write, empty where it has changed nothing.
    """

    action: Action
    nonce: str = ""
    completed: Completed = field(default_factory=Completed)
    created: bool = False
    context: str = ""


@dataclass(frozen=True)
class Progress(t.Generic[Observed]):
    """What this run has done so far, so that a plan made anew does not ask for it twice.

    `before` is the target as the run found it, `plan` the one that is being carried out, `begun` every action that was
    started, `open` those that were sent and that nothing has proven, `failed` those of them whose operation has failed,
    `locked_out` the nonces of creates whose operation was locked out: what those left behind counts for nothing.
    `undone` is no longer among `done`.
    """

    before: Observed | None = None
    plan: Plan | None = None
    begun: tuple[Action, ...] = ()
    done: tuple[Done, ...] = ()
    open: tuple[Action, ...] = ()
    failed: tuple[Done, ...] = ()
    undone: tuple[Done, ...] = ()
    locked_out: frozenset[str] = frozenset()

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions that were carried out, in order."""
        return tuple(each.action for each in self.done)

    @property
    def unsettled(self) -> tuple[Action, ...]:
        """The actions that were sent, and whose outcome nothing has settled."""
        ended = [each.action for each in self.failed]
        return tuple(action for action in self.open if action not in ended)

    def begins(self, action: Action) -> Progress[Observed]:
        """The same with an action started."""
        return replace(self, begun=(*self.begun, action))

    def after(self, done: Done) -> Progress[Observed]:
        """The same with an action carried out."""
        return replace(self, done=(*self.done, done))

    def left_open(self, action: Action) -> Progress[Observed]:
        """The same with an action sent, and not proven."""
        return replace(self, open=(*self.open, action))

    def ended_in_failure(self, done: Done) -> Progress[Observed]:
        """The same with an action whose operation has failed."""
        return replace(self, failed=(*self.failed, done))

    def without(self, undone: Done) -> Progress[Observed]:
        """The same with an action taken back."""
        done = tuple(each for each in self.done if each is not undone)
        return replace(self, done=done, undone=(*self.undone, undone))

    def locked(self, nonce: str) -> Progress[Observed]:
        """The same with a create locked out."""
        return replace(self, locked_out=self.locked_out | {nonce}) if nonce else self
