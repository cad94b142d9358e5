# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a new checkpoint is told from what was there."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.create import NewCheckpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    hidden,
    point,
)


def _new(before: ObservedVm) -> NewCheckpoint:
    return NewCheckpoint.of(Create(WEB01, "", name="nightly"), before, None, unique_names=False)


def test_without_a_mark_it_is_the_only_new_one() -> None:
    new, ours = _new(having(point("a"), hidden(name="weekly"))), point("b")
    assert new.find(having(point("a"), ours)) == ours
    assert new.duplicates(having(point("a"), ours, point("c")), ours) == (point("c"),)


def test_one_that_was_shown_without_its_id_is_not_new_once_it_has_one() -> None:
    new = _new(having(point("a"), hidden()))
    assert new.find(having(point("a"), point("b"))) is None
    assert new.duplicates(having(point("a"), point("b"), point("c")), point("c")) == ()
