# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how a task waits, how it treats many targets, and what it was approved to do."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._core.approval import Approval
from .._core.operation import Deadline, Report, unheard
from .._core.spec import Duration, validate_options
from .._deps import pydantic
from .fleet import FleetOptions
from .interruption import Interruption
from .waiting import WaitPolicy


class RunOptions(pydantic.BaseModel):
    """How a task is carried out, whatever it is about. Durations are timedeltas."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    wait: bool = True
    wait_timeout: Duration = timedelta(minutes=10)
    poll_interval: Duration = timedelta(seconds=5)
    settle_time: Duration = timedelta(minutes=2)
    concurrency: int = 4
    on_error: t.Literal["continue", "stop"] = "continue"
    expected_plan: t.Any = None

    @pydantic.model_validator(mode="after")
    def _sane(self) -> t.Self:
        if self.wait_timeout.total_seconds() < 1:
            raise ValueError("wait_timeout must be at least 1s")
        if not 1 <= self.concurrency <= 64:
            raise ValueError("concurrency takes 1 to 64")
        if self.poll_interval.total_seconds() < 0.1:
            raise ValueError("poll_interval must be at least 100ms")
        return self

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> RunOptions:
        """From a task's options; those that a module does not have keep their defaults."""
        return validate_options(cls, {name: params.get(name) for name in cls.model_fields})

    def deadline(self) -> Deadline:
        """The task's one end; it starts now."""
        return Deadline(self.wait_timeout.total_seconds())

    def approval(self) -> Approval | None:
        """What `expected_plan` approves, if it is given."""
        return None if self.expected_plan is None else Approval(self.expected_plan)

    def fleet(
        self, deadline: Deadline, check_only: bool, interruption: Interruption, report: Report = unheard
    ) -> FleetOptions:
        """The same for the engine, under the task's deadline; `report` hears what it waits for."""
        interval, settle_time = self.poll_interval.total_seconds(), self.settle_time.total_seconds()
        policy = WaitPolicy(deadline, self.wait, interval, settle_time, report)
        return FleetOptions(policy, self.approval(), self.concurrency, self.on_error, check_only, interruption)
