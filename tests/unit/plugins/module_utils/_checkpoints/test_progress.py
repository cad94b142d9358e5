# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan made anew knows of what this run has done so far."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create, Delete, Restore
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import (
    CheckpointProgress,
    last_step,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    NamedStep,
    having,
    point,
)


@dataclass(frozen=True)
class Stage(NamedStep):
    """A step of a restore in several steps."""

    run: str = "r1"

    @property
    def restore_run_id(self) -> str:
        return self.run


CREATE = Create(WEB01, "", name="nightly")
FIRST, SECOND = (Restore(WEB01, "", checkpoint=point(each)) for each in ("a", "b"))
SWAP, START, OTHER = Stage(WEB01, "", "swap"), Stage(WEB01, "", "start", run="r2"), NamedStep(WEB01, "", "make home")


def test_a_run_that_has_done_nothing() -> None:
    assert CheckpointProgress.of(Progress()) == CheckpointProgress()
    assert last_step(Progress()) is None


def test_what_a_run_has_done_is_read_off_what_the_engine_has_kept() -> None:
    done = (
        Done(CREATE, "n1"),
        Done(Delete(WEB01, "", checkpoint=point("x")), "n2"),
        Done(CREATE, "n3"),
        Done(FIRST, "n4"),
        Done(SECOND, "n5"),
    )
    progress = Progress(before=having(power="off"), begun=(SWAP, START, OTHER), done=done, locked_out=frozenset({"n6"}))
    assert CheckpointProgress.of(progress) == CheckpointProgress(
        made=frozenset({"n1", "n3"}), failed=frozenset({"n6"}), power="off", restored="b", restore_run_id="r2"
    )


def test_the_last_step_of_a_restore_is_the_one_that_was_begun_last() -> None:
    begun = Progress[ObservedVm](begun=(CREATE, SWAP, START, OTHER, FIRST))
    assert last_step(begun) is START
    assert last_step(Progress[ObservedVm](begun=(OTHER, CREATE))) is None
    assert CheckpointProgress.of(Progress(done=(Done(SWAP),))).restore_run_id is None
