# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how a task waits, how it treats many targets, and what it was approved to do."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._core.approval import Approval, is_given, missing
from .._core.fields import Duration
from .._core.operation import Deadline, Report, unheard
from .._core.spec import validate_options
from .._deps import pydantic
from .concurrency import MOST, Asked, Levels
from .fleet import FleetOptions
from .group import Group
from .interruption import Interruption
from .member import Member
from .waiting import WaitPolicy


class RunOptions(pydantic.BaseModel):
    """How a task is carried out, whatever it is about. Durations are timedeltas."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    wait: bool = True
    wait_timeout: Duration = timedelta(minutes=10)
    poll_interval: Duration = timedelta(seconds=5)
    settle_time: Duration = timedelta(minutes=2)
    concurrency: Asked = "auto"
    on_error: t.Literal["continue", "stop"] = "continue"
    expected_plan: t.Any = None
    group: Group | None = None
    require_approval: bool = False

    @pydantic.field_validator("concurrency", mode="before")
    @classmethod
    def _at_once(cls, value: object) -> object:
        text = str(value)
        if text != "auto" and not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= MOST):
            raise ValueError(f"takes auto, or 1 to {MOST}")
        return value if text == "auto" else int(text)

    @pydantic.model_validator(mode="after")
    def _sane(self) -> t.Self:
        if self.wait_timeout.total_seconds() < 1:
            raise ValueError("wait_timeout must be at least 1s")
        if self.poll_interval.total_seconds() < 0.1:
            raise ValueError("poll_interval must be at least 100ms")
        if self.group is not None and not self.wait:
            raise ValueError(
                "wait: false and group exclude each other; what is not awaited cannot be undone or relied on"
            )
        if self.group is not None and "on_error" in self.model_fields_set:
            raise ValueError("on_error and group exclude each other; a group stops at its first failure")
        return self

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> RunOptions:
        """From a task's options; those that a module does not have keep their defaults."""
        given = {name: params.get(name) for name in cls.model_fields}
        if given["require_approval"] and not is_given(given["expected_plan"]):
            given["expected_plan"] = None
        return validate_options(cls, given)

    def deadline(self) -> Deadline:
        """The task's one end; it starts now."""
        return Deadline(self.wait_timeout.total_seconds())

    def approval(self, check_only: bool) -> Approval | None:
        """What `expected_plan` approves, if it is given; ApprovalMissing where it must be."""
        if self.require_approval and self.expected_plan is None and not check_only:
            raise missing()
        return None if self.expected_plan is None else Approval(self.expected_plan)

    def fleet(
        self,
        deadline: Deadline,
        check_only: bool,
        interruption: Interruption,
        levels: Levels,
        show: t.Callable[[Member], t.Any] | None = None,
        report: Report = unheard,
    ) -> FleetOptions:
        """The same for the engine, under the task's deadline; `report` hears what it waits for."""
        interval, settle_time = self.poll_interval.total_seconds(), self.settle_time.total_seconds()
        policy = WaitPolicy(deadline, self.wait, interval, settle_time, report)
        return FleetOptions(
            policy, self.approval(check_only), levels, self.on_error, check_only, interruption, self.group, show
        )
