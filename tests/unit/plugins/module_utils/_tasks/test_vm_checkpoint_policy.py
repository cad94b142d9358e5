# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vm_checkpoint_policy returns, and what it makes of many VMs together."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Forbidden,
    InvalidInput,
    TooManyDeletes,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.actions import RemovePoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import run
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint_policy import (
    _judge,
    _open,
    _review,
    vm_checkpoint_policy,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW, WEB01, ours
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

from .services import Opened, Service, context, later, observed

SERIES = [ours("a1", "1h"), ours("b2", "2h"), ours("c3", "3h"), ours("d4", "4h")]


def policy(monkeypatch: pytest.MonkeyPatch, service: Service, *, check: bool = True, **params: Any) -> dict[str, Any]:
    """The result of the task for the series nightly."""
    monkeypatch.setattr(run, "Providers", Opened(spf=service))
    given = {"prefix": "nightly", **params}
    return later(lambda: vm_checkpoint_policy(given, context(check_only=check)))


def numbers(**fields: Any) -> dict[str, Any]:
    """The series of one checkpoint, and what is otherwise."""
    return {
        "prefix": "nightly",
        "points": 1,
        "usable": 1,
        "failed": 0,
        "due": 0,
        "newest": "2026-11-20T11:00:00Z",
        "newest_age_seconds": 3600,
        "all_points": 1,
        "limit": 50,
        "left": 49,
        "depth": 1,
        **fields,
    }


def removals(found: dict[str, Any]) -> list[int]:
    """How many checkpoints each VM's plan removes."""
    plans = [each["plan"]["actions"] for each in found["vms"]]
    return [sum(action["action"] == "delete" for action in plan) for plan in plans]


@pytest.mark.parametrize("check", [True, False])
def test_every_key_of_a_vm_that_complies(monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    held = observed("a", SERIES[0])
    found = policy(monkeypatch, Service({"a": held}, seconds=1.0), check=check, vm="a", max_age="1d")
    timing = {"read": 1.0, "total": 1.0} if check else {"read": 1.0, "apply": 0.0, "total": 1.0}
    assert found == {
        "changed": False,
        "plan": found["plan"],
        "checkpoint": held.show(SERIES[0]),
        "compliance": {"compliant": True, "violations": []},
        "series": numbers(),
        "operation": None,
        "timing": timing,
        "warnings": [],
        "diff": found["diff"],
    }
    assert [each["action"] for each in found["plan"]["actions"]] == ["keep"]
    assert found["diff"]["before"] == found["diff"]["after"] == "  nightly  2026-11-20 11:00Z\n"


def test_every_key_of_no_vm(monkeypatch: pytest.MonkeyPatch) -> None:
    found = policy(monkeypatch, Service(), vms=[], max_age="1d")
    assert found == {
        "changed": False,
        "plan": found["plan"],
        "vms": [],
        "diff": [],
        "warnings": ["vms is empty: there is nothing to do."],
        "timing": {"total": 0.0},
    }


def test_one_that_cannot_be_read_complies_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": Forbidden("no right.", status=403), "b": observed("b", SERIES[0])})
    found = policy(monkeypatch, service, vms=["a", "b"], max_age="1d", on_violation="fail")
    text = "its checkpoints could not be read; see error"
    first, second = found["vms"]
    assert first["compliance"] == {"compliant": False, "violations": [{"code": "unreadable", "text": text}]}
    assert (first["series"], first["error"]["code"], first["status"]) == (None, "forbidden", "failed")
    assert (second["series"], second["error"], second["status"]) == (numbers(), None, "unchanged")
    assert found["timing"] == {"total": 0.0}
    assert found["warnings"] == []


def test_what_is_wrong_is_an_error_where_it_is_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", SERIES[0])})
    terms: dict[str, Any] = {"vm": "a", "max_age": "1d", "min_good": 2, "pins": ["x"]}
    reported = policy(monkeypatch, service, **terms)
    texts = {
        "too_few": "1 usable checkpoints of the series exist, and min_good is 2",
        "pinned_missing": "pins names what does not exist: x",
    }
    assert reported["compliance"] == {
        "compliant": False,
        "violations": [{"code": code, "text": text} for code, text in texts.items()],
    }
    assert "error" not in reported
    failed = policy(monkeypatch, service, **terms, on_violation="fail")
    assert (failed["msg"], failed["error"]["code"]) == (
        "vm a: it does not comply with its policy: too_few: 1 usable checkpoints of the series exist, and min_good is "
        "2; pinned_missing: pins names what does not exist: x.",
        "not_compliant",
    )
    assert failed["compliance"] == reported["compliance"]
    assert "error" not in policy(monkeypatch, service, vm="a", max_age="1d", on_violation="fail")


def test_what_is_left_beyond_a_bound_fails_whatever_the_violations(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", *SERIES)})
    for on_violation in ("report", "fail"):
        found = policy(monkeypatch, service, vm="a", keep={"last": 1}, max_deletes=2, on_violation=on_violation)
        assert found["error"]["code"] == "too_many_deletes"
        assert found["series"]["due"] == 3


def test_what_is_not_given_of_suboptions_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", *SERIES)})
    found = policy(
        monkeypatch,
        service,
        vm="a",
        keep={"last": 1, "daily": None, "within": None},
        adopt={"name": "weekly", "name_matches": None},
        thresholds={"points": 3, "near_limit": None, "stale_after": None},
    )
    assert [each["code"] for each in found["compliance"]["violations"]] == ["too_many"]
    with pytest.raises(InvalidInput, match="before is empty"):
        policy(monkeypatch, service, vm="a", keep={"last": 1}, select={"which": "latest", "before": None})
    with pytest.raises(InvalidInput, match="keep: "):
        policy(monkeypatch, service, vm="a", keep="last=1")


@pytest.mark.parametrize(
    ("total", "removed"), [(None, [3, 2, 0]), (6, [3, 2, 0]), (5, [3, 2, 0]), (4, [0, 0, 0]), (0, [0, 0, 0])]
)
def test_over_the_bound_of_all_together_nothing_goes(
    monkeypatch: pytest.MonkeyPatch, total: int | None, removed: list[int]
) -> None:
    held = {"a": observed("a", *SERIES), "b": observed("b", *SERIES[:3]), "c": observed("c", SERIES[0])}
    found = policy(monkeypatch, Service(held), vms=list(held), keep={"last": 1}, max_deletes_total=total)
    assert removals(found) == removed
    failed = [each["vm"] for each in found["vms"] if each["error"] is not None]
    assert failed == ([] if any(removed) else ["a", "b"])
    assert found["changed"] is any(removed)


class Run:
    """A run that removes so many."""

    def __init__(self, count: int) -> None:
        self.kind = SimpleNamespace(allotted=None)
        self.plan = Plan(WEB01, tuple(RemovePoint(WEB01, "", checkpoint=each) for each in SERIES[:count]))
        self.planned_again = 0

    def plan_now(self) -> None:
        self.planned_again += 1


@pytest.mark.parametrize(("most", "allotted", "again"), [(5, [3, 0, 2], [0, 0, 0]), (4, [0, 0, 0], [1, 0, 1])])
def test_what_was_counted_is_what_each_may_remove_later(most: int, allotted: list[int], again: list[int]) -> None:
    runs = [Run(3), Run(0), Run(2)]
    _review(most, cast(Any, runs))
    assert [each.kind.allotted for each in runs] == allotted
    assert [each.planned_again for each in runs] == again


def test_what_a_vm_has_failed_with_is_not_hidden_by_what_is_left_of_it() -> None:
    spec = validate_options(PolicySpec, {"prefix": "nightly", "max_age": "1d", "on_violation": "fail"})
    left = SimpleNamespace(shortfall=TooManyDeletes("more are due."))
    problem = Forbidden("no.")
    failed = Member(cast(Any, SimpleNamespace(plan=left, observed=None)), problem)
    _judge(failed, spec)
    assert failed.error is problem


@pytest.mark.parametrize(("wait_timeout", "code"), [("90s", None), ("89s", "limit_reached")])
def test_the_task_s_time_bounds_the_wait_for_a_create(
    monkeypatch: pytest.MonkeyPatch, wait_timeout: str, code: str | None
) -> None:
    service = Service({"a": observed("a", next_create=NOW + timedelta(seconds=90))})
    found = policy(monkeypatch, service, vm="a", max_age="1d", wait_timeout=wait_timeout)
    assert found.get("error", {}).get("code") == code


def test_each_vm_is_opened_with_the_task_s_times() -> None:
    service = Service({"a": observed("a")})
    spec = validate_options(PolicySpec, {"prefix": "nightly", "max_age": "1d"})
    options = RunOptions.of({"settle_time": "7s", "wait_timeout": "8s"})

    async def main() -> Any:
        world = Opened(spf=service)(None, context(), options.deadline())
        (kind,) = await _open(spec, ["a"], cast(Any, world), options, Levels())
        return kind

    of = virtual(main)
    assert (of.spec, of._settle_time, of._patience) == (spec, 7.0, 8.0)
