# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval lets through what was approved, or what is left of it, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    Power,
    Restore,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import (
    Approval,
    is_given,
    missing,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, PlanChanged
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import (
    Action,
    Plan,
    digest,
    to_result,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    DeleteResource,
    UpdateResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import CollectionTarget
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    WEB01,
    NamedStep,
    ours,
)

A1, B2 = ours("a1"), ours("b2", name="other")
CREATE = Create(WEB01, "it is missing", name="nightly")
DELETE = Delete(WEB01, "superseded", checkpoint=A1)
COLLECTION = CollectionTarget(name="c", id="/c", canonical="/c", provider="compute", service="s")
TAGS = {"tags": {"before": {}, "after": {"a": "c", "d": "e"}}}
UPDATE = Update(WEB01, "differs", checkpoint=A1, description="new words")
EVERYTHING = (
    NoOp(WEB01, "it exists", checkpoint=B2),
    CREATE,
    UPDATE,
    Restore(WEB01, "asked", checkpoint=A1),
    Power(WEB01, "asked", on=True),
    DELETE,
)


def today(*actions: Action) -> list[Plan]:
    return [Plan(WEB01, actions)]


def shown(*actions: Action) -> dict[str, Any]:
    """The plan as a pipeline stored it."""
    stored: dict[str, Any] = json.loads(json.dumps(to_result(today(*actions))))
    return stored


def test_the_whole_plan_passes_as_a_result_as_json_and_as_its_digest() -> None:
    for approved in (shown(*EVERYTHING), json.dumps(shown(*EVERYTHING)), digest(today(*EVERYTHING))):
        Approval(approved).check(today(*EVERYTHING))


def test_what_is_left_of_a_plan_passes_so_that_a_run_that_died_can_be_repeated() -> None:
    for left in ((DELETE,), (UPDATE, DELETE), (DELETE, UPDATE)):
        Approval(shown(*EVERYTHING)).check(today(*left))


@pytest.mark.parametrize("approved", [shown(*EVERYTHING), shown(), digest(today(*EVERYTHING)), digest([])])
def test_nothing_to_do_always_passes(approved: str | dict[str, Any]) -> None:
    Approval(approved).check(today())
    Approval(approved).check(today(NoOp(WEB01, "it exists", checkpoint=A1)))
    Approval(approved).check([])


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (replace(CREATE, name="weekly"), "+ create weekly of web01"),
        (replace(CREATE, description="words"), "+ create nightly of web01 (description: words)"),
        (replace(CREATE, safety=True), "+ create nightly of web01"),
        (replace(CREATE, target=replace(WEB01, canonical="2", name="web02")), "+ create nightly of web02"),
        (replace(CREATE, target=replace(WEB01, service="https://other")), "+ create nightly of web01"),
        (replace(DELETE, checkpoint=B2), "+ delete other of web01"),
        (replace(UPDATE, description="others"), "+ update nightly of web01 (description: others)"),
        (Restore(WEB01, "asked", checkpoint=B2), "+ restore other of web01"),
        (Power(WEB01, "asked", on=False), "+ power off of web01"),
        (NamedStep(WEB01, "asked", "swap its disks"), "+ step swap its disks of web01"),
        (DeleteResource(COLLECTION, "asked"), "+ delete collection c"),
        (UpdateResource(COLLECTION, "asked", fields=TAGS), "+ update collection c (tags: (a: c, d: e))"),
    ],
)
@pytest.mark.parametrize("approved", [shown(*EVERYTHING), digest(today(*EVERYTHING))])
def test_anything_else_is_shown_as_a_difference(approved: str | dict[str, Any], step: Action, line: str) -> None:
    with pytest.raises(PlanChanged) as caught:
        Approval(approved).check(today(step))
    assert str(caught.value) == (
        f"plan: what would be done is not what was approved: {line}. Nothing was changed. "
        f"Approve the new plan: {digest(today(step))}"
    )


def test_with_the_plan_only_the_difference_is_shown_and_with_the_digest_all_of_today_s_plan() -> None:
    steps = (CREATE, replace(DELETE, checkpoint=B2))
    with pytest.raises(PlanChanged) as by_plan:
        Approval(shown(*EVERYTHING)).check(today(*steps))
    assert "approved: + delete other of web01. Nothing" in str(by_plan.value)
    with pytest.raises(PlanChanged) as by_digest:
        Approval(digest(today(*EVERYTHING))).check(today(*steps))
    assert "approved: + create nightly of web01; + delete other of web01. Nothing" in str(by_digest.value)


def test_a_checksum_in_the_place_of_a_digest_is_called_so() -> None:
    """Both stand in a plan, side by side, and look alike."""
    with pytest.raises(PlanChanged) as caught:
        Approval(shown(*EVERYTHING)["checksum"]).check(today(*EVERYTHING))
    assert str(caught.value) == (
        "plan: expected_plan is the checksum of this plan, which approves nothing. Nothing was changed. "
        f"Give the plan itself, or its digest: {digest(today(*EVERYTHING))}"
    )
    assert caught.value.plan == to_result(today(*EVERYTHING))


def test_of_a_digest_the_rest_does_not_pass() -> None:
    with pytest.raises(PlanChanged):
        Approval(digest(today(*EVERYTHING))).check(today(DELETE))


def test_an_empty_approved_plan_lets_nothing_through() -> None:
    for approved in (shown(), digest([])):
        with pytest.raises(PlanChanged):
            Approval(approved).check(today(CREATE))


def test_reasons_ages_and_new_names_of_old_things_do_not_matter() -> None:
    later = replace(A1, name="renamed", created=None, description="x", id="A1")
    Approval(shown(*EVERYTHING)).check(
        today(replace(CREATE, reason="another"), replace(UPDATE, checkpoint=later), replace(DELETE, checkpoint=later))
    )


def test_a_safety_checkpoint_is_approved_whatever_name_it_is_given() -> None:
    safety = replace(CREATE, safety=True, name="safety before restore to nightly")
    for approved in (shown(safety), digest(today(safety))):
        Approval(approved).check(today(replace(safety, name="safety before restore to renamed")))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("action",), "restore"),
        (("vm_id",), "another"),
        (("service",), "another"),
        (("reason",), "none"),
        (("id",), "0" * 32),
        (("checkpoint", "id"), "b2"),
        (("checkpoint",), None),
    ],
)
def test_an_altered_plan_approves_nothing(path: tuple[str, ...], value: object) -> None:
    altered = copy.deepcopy(shown(DELETE))
    place = altered["actions"][0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InvalidInput, match="expected_plan: was altered since it was returned"):
        Approval(altered)


def test_a_plan_in_which_yaml_has_found_a_time_was_altered() -> None:
    """A stored plan whose texts lost their quotes holds values that are no JSON."""
    with pytest.raises(InvalidInput, match="was altered"):
        Approval({**shown(CREATE), "actions": [{"id": NOW}]})


def test_a_plan_with_an_action_left_out_or_added_was_altered() -> None:
    whole = shown(CREATE, DELETE)
    for actions in (whole["actions"][:1], [*whole["actions"], whole["actions"][0]], []):
        with pytest.raises(InvalidInput, match="was altered"):
            Approval({**whole, "actions": actions})


@pytest.mark.parametrize(
    "approved",
    [
        "",
        "sha256:",
        "sha256:" + "0" * 63,
        "md5:" + "0" * 67,
        "yes",
        {},
        {"version": 2, "actions": []},
        {"version": 1},
        {"version": 1, "actions": {}},
        {"actions": []},
        {"version": 1, "actions": ["create nightly"]},
        "{",
        "{" * 100_000,
        ' {"version": 2}',
        ["sha256:" + "0" * 64],
        7,
    ],
)
def test_what_is_no_plan_and_no_digest_is_refused(approved: Any) -> None:
    with pytest.raises(InvalidInput, match="expected_plan"):
        Approval(approved)


def test_a_plan_made_anew_after_a_lock_must_stay_within_the_approved_digest() -> None:
    approval = Approval(digest(today(CREATE, DELETE)))
    approval.check(today(CREATE, DELETE))
    approval.check(today(DELETE), part=True)
    approval.check(today(CREATE, DELETE), part=True)
    with pytest.raises(PlanChanged):
        approval.check(today(UPDATE, DELETE), part=True)


def test_a_part_alone_is_not_what_a_digest_approved() -> None:
    with pytest.raises(PlanChanged):
        Approval(digest(today(CREATE, DELETE))).check(today(DELETE), part=True)


def test_a_plan_made_anew_must_stay_within_the_approved_plan() -> None:
    approval = Approval(shown(CREATE, DELETE))
    approval.check(today(DELETE), part=True)
    with pytest.raises(PlanChanged):
        approval.check(today(UPDATE), part=True)


@pytest.mark.parametrize(
    "approved",
    [
        {**shown(CREATE), "version": 2},
        {**shown(CREATE), "actions": {}},
        {"version": 1},
        {},
        ["sha256:"],
        7,
    ],
)
def test_what_is_no_plan_of_this_version_is_called_so(approved: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Approval(approved)
    assert str(caught.value) == ("expected_plan: is no plan of version 1 as results have it under the key plan.")


@pytest.mark.parametrize("text", ["{", '{"a":' * 100_000])
def test_text_that_only_begins_like_a_plan_is_not_readable(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Approval(text)
    assert str(caught.value) == "expected_plan: is not readable JSON."


@pytest.mark.parametrize("around", ["{}", " {}", "\n\t{}\n"])
def test_a_plan_comes_as_json_text_too_whatever_stands_around_it(around: str) -> None:
    approval = Approval(around.format(json.dumps(shown(CREATE))))
    approval.check(today(CREATE))
    with pytest.raises(PlanChanged):
        approval.check(today(DELETE))


def test_a_refused_plan_comes_with_the_plan_that_would_have_to_be_approved() -> None:
    with pytest.raises(PlanChanged) as caught:
        Approval(shown(CREATE)).check(today(CREATE, DELETE))
    assert caught.value.plan == to_result(today(CREATE, DELETE))
    assert caught.value.subject == "plan"
    assert digest(today(CREATE, DELETE)) in caught.value.remedy
    Approval(caught.value.plan).check(today(CREATE, DELETE))


def test_a_task_that_must_be_approved_and_is_not() -> None:
    assert str(missing()) == (
        "expected_plan: is not given, and require_approval is set. Nothing was changed. "
        "Run the task in check mode, have its plan approved, and give that plan as expected_plan."
    )


@pytest.mark.parametrize("nothing", [None, "", "  ", "\n", {}, []])
def test_what_an_empty_variable_leaves_is_not_given(nothing: object) -> None:
    assert not is_given(nothing)


@pytest.mark.parametrize("something", ["x", {"version": 1}, ["x"], 0, 7])
def test_anything_else_is(something: object) -> None:
    assert is_given(something)


def test_only_a_digest_is_of_all_plans_together() -> None:
    assert Approval(digest(today(CREATE))).is_of_all
    assert not Approval(shown(CREATE)).is_of_all


def test_an_altered_plan_is_to_be_given_as_it_was() -> None:
    with pytest.raises(InvalidInput) as caught:
        Approval({**shown(CREATE), "actions": []})
    assert str(caught.value) == "expected_plan: was altered since it was returned. Give it as it was returned."


@pytest.mark.parametrize("done", [CREATE, DELETE])
def test_what_was_made_or_removed_is_not_approved_a_second_time(done: Action) -> None:
    approval = Approval(shown(CREATE, DELETE, UPDATE))
    with pytest.raises(PlanChanged):
        approval.check(today(done), part=True, done=[done])
    approval.check(today(UPDATE), part=True, done=[done, UPDATE])


GROUP = {"on_failure": "undo", "of": "all"}


def test_an_approved_group_is_that_group() -> None:
    plans = today(CREATE)
    approval = Approval(to_result(plans, GROUP))
    approval.check(plans, group=GROUP)
    approval.check(plans, part=True)
    with pytest.raises(PlanChanged, match=re.escape("no group instead of a group (of: all, on_failure: undo).")):
        approval.check(plans)
    with pytest.raises(PlanChanged, match=re.escape("a group (of: all, on_failure: undo) instead of no group.")):
        Approval(shown(CREATE)).check(plans, group=GROUP)
    for changed in ({**to_result(plans, GROUP), "group": {}}, {**to_result(plans), "group": GROUP}):
        with pytest.raises(InvalidInput, match="was altered"):
            Approval(changed)
    Approval(digest(plans, GROUP)).check(plans, group=GROUP)
    with pytest.raises(PlanChanged):
        Approval(digest(plans, GROUP)).check(plans)
