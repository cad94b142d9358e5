# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a policy: create first, then remove; limits, locks, and what is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
    LimitReached,
    NoSlotYet,
    Obstructed,
    TooManyDeletes,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm, Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, digest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.actions import CreatePoint, KeepPoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.planner import (
    Decision,
    decide,
    plan,
    removed_by,
    shortfall,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    UNIQUE,
    WEB01,
    NamedStep,
    having,
    ours,
    point,
    summary,
)


def spec(**options: Any) -> PolicySpec:
    return validate_options(PolicySpec, {"prefix": "nightly", **options})


def decided(given: PolicySpec, observed: ObservedVm, capabilities: Capabilities = SERVICE, **how: Any) -> Decision:
    return decide(given, observed, capabilities, **how)


def planned(
    given: PolicySpec, observed: ObservedVm, capabilities: Capabilities = SERVICE, *, patience: float = 600, **how: Any
) -> Plan:
    decision = decide(given, observed, capabilities, **how)
    return plan(decision, given, observed, capabilities, patience=patience)


def lines(made: Plan) -> list[str]:
    """Every action with its rule."""
    return [f"{summary(each)} {each.details().get('rule', '')}".strip() for each in made.actions]


def left(given: PolicySpec, observed: ObservedVm, capabilities: Capabilities = SERVICE) -> CheckpointError | None:
    return shortfall(decide(given, observed, capabilities), observed, capabilities)


DAYS = [ours(f"{number}a", f"{number}d2h") for number in (4, 3, 2, 1)]


def test_the_new_one_comes_first_and_is_counted() -> None:
    made = planned(spec(max_age="1d", keep={"last": 2}), having(*DAYS, point("ee", "9d")))
    assert lines(made) == [
        "keep 1a last",
        "keep ee not_managed",
        "create nightly-20261120T120000Z max_age",
        "delete 4a not_kept",
        "delete 3a not_kept",
        "delete 2a not_kept",
    ]
    assert made.satisfied_by is None
    assert made.actions[2].reason == (
        "no usable checkpoint of the series nightly is younger than 1d; the newest is of 2026-11-19 10:00Z"
    )


def test_oldest_first_whatever_the_order_of_the_list() -> None:
    made = planned(spec(keep={"last": 1}), having(DAYS[2], DAYS[0], DAYS[3], DAYS[1]))
    assert lines(made)[1:] == ["delete 4a not_kept", "delete 3a not_kept", "delete 2a not_kept"]
    assert made.satisfied_by is DAYS[3]


@pytest.mark.parametrize(("max_age", "due"), [("1d2h", False), ("1d1h59m59s", True)])
def test_when_a_new_one_is_due(max_age: str, due: bool) -> None:
    made = planned(spec(max_age=max_age), having(*DAYS))
    assert any(each.verb == "create" for each in made.actions) is due


@pytest.mark.parametrize(
    "fresh",
    [
        ours("aa", "1h", usability="unusable"),
        ours("aa", "1h", usability="unknown"),
        ours("aa", "1h", usability="arriving"),
        ours("aa", "1h", created=None),
        point("aa", "1h"),
        ours("aa", "1h", name="other"),
    ],
)
def test_what_does_not_satisfy_max_age(fresh: Checkpoint) -> None:
    assert decided(spec(max_age="1d"), having(*DAYS, fresh)).due


def test_what_this_run_has_made_is_fresh_however_long_it_took() -> None:
    made = CheckpointProgress(made=frozenset({str(DAYS[3].ownership.nonce)}))
    assert not decided(spec(max_age="1h"), having(*DAYS), progress=made).due


def test_what_a_locked_out_create_has_left_counts_for_nothing_and_stays() -> None:
    behind = ours("cc", "1m")
    locked = CheckpointProgress(failed=frozenset({str(behind.ownership.nonce)}))
    decision = decided(spec(max_age="1h", keep={"last": 1}), having(*DAYS, behind), progress=locked)
    assert decision.due
    assert decision.verdicts[-1].rule == "usability_unknown"


def test_no_series_yet() -> None:
    (create,) = planned(spec(max_age="1d"), having()).actions
    assert create.reason == "no usable checkpoint of the series nightly exists; max_age 1d"


def test_where_names_are_unique_the_service_makes_the_name_whole() -> None:
    (create,) = planned(spec(max_age="1d"), having(), UNIQUE).writes
    assert create.details()["checkpoint"] == {"name": "nightly"}


@pytest.mark.parametrize("prefix", ["nightly-run", "Nightly", "ni ghtly"])
def test_a_name_that_the_service_does_not_take(prefix: str) -> None:
    with pytest.raises(InvalidInput, match="is no name that Azure takes: small letters, at most 10 before the time"):
        planned(spec(prefix=prefix, max_age="1d"), having(), UNIQUE)


@pytest.mark.parametrize("prefix", ["n" * 255, "n "])
def test_a_name_that_no_service_takes(prefix: str) -> None:
    template = "{prefix}-{utc:%Y}" if prefix != "n " else "{utc:%Y} {prefix} "
    with pytest.raises(InvalidInput, match="is no name that SPF takes: "):
        planned(spec(prefix=prefix.strip(), name_template=template, max_age="1d"), having())


def test_a_new_one_in_whole() -> None:
    made = planned(spec(max_age="1d", name_template="{prefix}-{utc:%Y}"), having(next_create=NOW))
    why = "no usable checkpoint of the series nightly exists; max_age 1d"
    whole = CreatePoint(
        WEB01,
        why,
        name="nightly-2026",
        generate=False,
        require_usable=True,
        template="{prefix}-{utc:%Y}",
        prefix="nightly",
    )
    assert made == Plan(WEB01, (whole,), (), satisfied_by=None)
    (generated,) = planned(spec(max_age="1d"), having(), UNIQUE).actions
    template = "{prefix}-{utc:%Y%m%dT%H%M%SZ}"
    assert generated == replace(whole, name="nightly", generate=True, template=template)


@pytest.mark.parametrize(
    ("capabilities", "prefix", "name"),
    [
        (UNIQUE, "ten-signs-", None),
        (UNIQUE, "ten-signs-1", "ten-signs-1"),
        (replace(SERVICE, longest_series=10), "n" * 238, None),  # only where names are generated it has to leave room
        (SERVICE, "n" * 239, f"{'n' * 239}-20261120T120000Z"),
        (replace(SERVICE, name_pattern="[a-z]+"), "nightly", "nightly-20261120T120000Z"),
    ],
)
def test_a_name_that_just_fits(capabilities: Capabilities, prefix: str, name: str | None) -> None:
    given = spec(prefix=prefix, max_age="1d")
    if name is None:
        assert planned(given, having(), capabilities).writes
        return
    with pytest.raises(InvalidInput) as refused:
        planned(given, having(), capabilities)
    assert f'"{name}" is no name that ' in str(refused.value)


def test_a_template_that_puts_what_no_terminal_shows_into_a_name() -> None:
    anything = replace(SERVICE, name_pattern="(?s:.*)")
    with pytest.raises(InvalidInput, match="is no name that SPF takes: 1 to 255 characters"):
        planned(spec(name_template="{prefix}\x07", max_age="1d"), having(), anything)


def test_steps_that_a_first_one_needs_come_before_it() -> None:
    observed = having(prelude=(NamedStep(WEB01, "", name="make the collection"),))
    assert lines(planned(spec(max_age="1d"), observed)) == [
        "step make the collection",
        "create nightly-20261120T120000Z max_age",
    ]


# Limits -------------------------------------------------------------------------------------------------------------


def test_over_max_deletes_nothing_goes_and_the_new_one_is_made() -> None:
    given, observed = spec(max_age="1d", keep={"last": 1}, max_deletes=3), having(*DAYS)
    made = planned(given, observed)
    assert lines(made) == [
        "keep 4a max_deletes",
        "keep 3a max_deletes",
        "keep 2a max_deletes",
        "keep 1a max_deletes",
        "create nightly-20261120T120000Z max_age",
    ]
    assert made.actions[0].reason == "no rule of keep keeps it, but 4 would go and max_deletes is 3"
    problem = left(given, observed)
    assert isinstance(problem, TooManyDeletes)
    assert problem.message == "4 checkpoints would go, and max_deletes is 3: none was removed."


def test_as_many_as_max_deletes_go() -> None:
    given = spec(max_age="1d", keep={"last": 1}, max_deletes=4)
    assert removed_by(planned(given, having(*DAYS)).actions) == 4
    assert left(given, having(*DAYS)) is None


def test_what_a_run_has_removed_counts() -> None:
    given = spec(keep={"last": 1}, max_deletes=3)
    assert removed_by(planned(given, having(*DAYS)).actions) == 3
    assert removed_by(planned(given, having(*DAYS[1:]), removed=1).actions) == 2
    assert removed_by(planned(given, having(*DAYS[1:]), removed=2).actions) == 0


@pytest.mark.parametrize(("allotted", "removed", "goes"), [(3, 0, 3), (2, 0, 0), (4, 1, 3), (3, 1, 0), (None, 1, 3)])
def test_what_is_left_of_the_total(allotted: int | None, removed: int, goes: int) -> None:
    """What this run has removed already was taken from it; once it has begun, what is too much is no failure."""
    given = spec(keep={"last": 1}, max_deletes_total=9)
    decision = decided(given, having(*DAYS), allotted=allotted, removed=removed)
    left = 0 if removed else 3 - goes
    assert (sum(not verdict.keep for verdict in decision.verdicts), decision.left) == (goes, left)


@pytest.mark.parametrize(("limit", "allotted"), [({"max_deletes": 3}, None), ({"max_deletes_total": 9}, 3)])
def test_what_was_planned_within_the_limit_goes_and_what_has_become_due_since_stays(
    limit: dict[str, int], allotted: int | None
) -> None:
    given = spec(keep={"last": 1}, **limit)
    decision = decided(given, having(*DAYS), removed=1, planned={"4a", "3a"}, allotted=allotted)
    assert {each.point.id: each.rule for each in decision.verdicts} == {
        "4a": "not_kept",
        "3a": "not_kept",
        "2a": next(iter(limit)),
        "1a": "last",
    }
    (late,) = [each.reason for each in decision.verdicts if each.point.id == "2a"]
    assert late.startswith("no rule of keep keeps it, but only since this run began; max_deletes")
    assert (decision.left, decision.limit) == (0, "")


def test_of_the_same_age_the_lesser_id_goes_first() -> None:
    twins = [ours(each, "9d", created=DAYS[0].created, mark=DAYS[0].mark) for each in ("c9", "a9", "b9")]
    made = planned(spec(keep={"last": 1}), having(DAYS[3], *twins))
    assert lines(made) == ["keep 1a last", "delete a9 not_kept", "delete b9 not_kept", "delete c9 not_kept"]


def test_where_nothing_is_there_and_nothing_is_due_there_is_nothing_to_do() -> None:
    assert planned(spec(keep={"last": 1}), having()) == Plan(WEB01)


def test_all_rules_that_keep_one_are_told() -> None:
    (kept,) = planned(spec(keep={"last": 1, "daily": 2, "within": "9d"}), having(DAYS[3])).actions
    assert kept == KeepPoint(
        WEB01,
        "last 1 of 1, daily 1 of 2, within 9d",
        checkpoint=DAYS[3],
        rule="last",
        rules=("last", "daily", "within"),
    )


def test_over_the_total_nothing_goes_here_either() -> None:
    given = spec(keep={"last": 3}, max_deletes_total=7)
    decision = decided(given, having(*DAYS), allotted=0)
    assert [verdict.rule for verdict in decision.verdicts] == ["max_deletes_total", "last", "last", "last"]
    problem = shortfall(decision, having(*DAYS), SERVICE)
    assert problem is not None
    assert problem.message == "1 checkpoint would go, and max_deletes_total is 7: none was removed."
    assert decided(given, having(*DAYS[1:]), allotted=0).left == 0


def test_at_the_services_limit_none_is_made_and_none_is_counted() -> None:
    full = replace(SERVICE, max_points=4)
    given = spec(max_age="1d", keep={"last": 2})
    made = planned(given, having(*DAYS), full)
    assert lines(made) == ["keep 2a last", "keep 1a last", "delete 4a not_kept", "delete 3a not_kept"]
    problem = left(given, having(*DAYS), full)
    assert isinstance(problem, LimitReached)
    assert problem.message == "4 checkpoints exist and SPF allows 4 per VM, so that no new one was made."
    assert left(given, having(*DAYS), replace(SERVICE, max_points=5)) is None
    assert left(spec(keep={"last": 2}), having(*DAYS), full) is None


@pytest.mark.parametrize(("patience", "waits"), [(1200, True), (1199, False)])
def test_a_create_waits_for_its_slot_where_the_task_lasts_so_long(patience: float, waits: bool) -> None:
    observed = having(*DAYS, next_create=NOW + timedelta(minutes=20))
    given = spec(max_age="1d", keep={"last": 9})
    if waits:
        made = planned(given, observed, patience=patience)
        assert made.writes[0].reason.endswith("; the service takes the next one at 2026-11-20T12:20:00Z")
        return
    with pytest.raises(NoSlotYet, match="takes the next one at 2026-11-20T12:20:00Z") as refused:
        planned(given, observed, patience=patience)
    assert refused.value.retry == "safe"


def test_a_slot_that_nobody_needs_is_not_waited_for() -> None:
    observed = having(*DAYS, next_create=NOW + timedelta(minutes=20))
    assert lines(planned(spec(keep={"last": 4}), observed, patience=1))[-1] == "keep 1a last"


# What stands in the way ---------------------------------------------------------------------------------------------


def test_a_lock_on_one_point_keeps_that_one() -> None:
    lock = Obstacle(("delete 3a",), 'the lock "hold" on 3a allows no deletion.', "Have it removed.")
    made = planned(spec(keep={"last": 1}), having(*DAYS, obstacles=(lock,)))
    assert lines(made) == ["keep 3a locked", "keep 1a last", "delete 4a not_kept", "delete 2a not_kept"]
    assert made.actions[0].reason == 'the lock "hold" on 3a allows no deletion'


def test_a_lock_is_found_whatever_the_case_of_the_id_and_says_nothing_of_what_stays_anyway() -> None:
    points = (replace(DAYS[0], id="4A"), DAYS[3])
    locks = [Obstacle((f"delete {each}",), "a lock forbids it.", "Have it removed.") for each in ("4a", "1a")]
    made = planned(spec(keep={"last": 1}), having(*points, obstacles=tuple(locks)))
    assert lines(made) == ["keep 4A locked", "keep 1a last"]


def test_a_lock_on_all_of_them_is_refused() -> None:
    lock = Obstacle(("delete", *(f"delete {each.id}" for each in DAYS)), "the lock allows no deletion.", "Go away.")
    observed = having(*DAYS, obstacles=(lock,))
    with pytest.raises(Obstructed, match="the lock allows no deletion"):
        planned(spec(keep={"last": 1}), observed)
    assert planned(spec(keep={"last": 4}), observed).writes == ()


def test_a_state_that_allows_nothing_is_refused() -> None:
    with pytest.raises(VmState):
        planned(spec(keep={"last": 1}), having(*DAYS, refuses="Migrating"))


def test_warnings_of_what_is_done() -> None:
    observed = having(*DAYS, cautions=(("create", "it is off."),), ahead=600.0)
    warned = planned(spec(max_age="1d"), observed).warnings
    assert [text for text in warned if "it is off" in text] == ["it is off."]
    assert any("Date header" in text for text in warned)
    assert not any("it is off" in text for text in planned(spec(max_age="9d"), observed).warnings)


# What an approval covers --------------------------------------------------------------------------------------------


def test_an_approval_covers_the_template_and_not_the_time() -> None:
    given = spec(max_age="1d", keep={"last": 2})
    now, later = (planned(given, replace(having(*DAYS), now=NOW + timedelta(hours=hours))) for hours in (0, 1))
    assert now.writes[0].details() != later.writes[0].details()
    assert digest([now]) == digest([later])
    other = planned(spec(prefix="nightly", name_template="{prefix}", max_age="1d", keep={"last": 2}), having(*DAYS))
    assert digest([other]) != digest([now])


def test_what_is_kept_is_not_a_part_of_what_is_approved() -> None:
    given = spec(keep={"last": 2})
    assert digest([planned(given, having(*DAYS))]) == digest([planned(given, having(*DAYS, point("ee")))])
