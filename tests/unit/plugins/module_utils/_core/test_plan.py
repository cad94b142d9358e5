# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as results show them, and the digest that names what would be changed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    Power,
    Restore,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import (
    Action,
    Plan,
    checksum,
    digest,
    in_stages,
    to_result,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
    UpdateResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import CollectionTarget
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    NamedStep,
    having,
    ours,
    point,
)

WEB02 = replace(WEB01, reference="web02", name="web02", id="2", canonical="2")
A1 = ours("a1")
COLLECTION = CollectionTarget(name="c", id="/c", canonical="/c", provider="compute", service="s")
CREATE = Create(WEB01, "it is missing", name="nightly")
DELETE = Delete(WEB01, "state is absent", checkpoint=A1)
TAGS = {"tags": {"before": {}, "after": {"a": "1"}}}
UPDATE = Update(WEB01, "differs", checkpoint=A1, description="new words")
RESTORE = Restore(WEB01, "asked", checkpoint=A1)


def name_of(*actions: Action) -> str:
    return digest([Plan(WEB01, actions)])


@pytest.mark.parametrize(
    ("action", "about"),
    [
        (CREATE, {"action": "create", "checkpoint": {"name": "nightly"}}),
        (replace(CREATE, description=""), {"action": "create", "checkpoint": {"name": "nightly", "description": ""}}),
        (DELETE, {"action": "delete", "checkpoint": {"id": "a1", "name": "nightly"}}),
        (RESTORE, {"action": "restore", "checkpoint": {"id": "a1", "name": "nightly"}}),
        (
            replace(RESTORE, terms={"if_running": "stop"}, restores="disks"),
            {
                "action": "restore",
                "checkpoint": {"id": "a1", "name": "nightly"},
                "terms": {"if_running": "stop"},
                "restores": "disks",
            },
        ),
        (
            UPDATE,
            {
                "action": "update",
                "checkpoint": {"id": "a1", "name": "nightly"},
                "fields": {"description": {"before": "", "after": "new words"}},
            },
        ),
        (Power(WEB01, "asked", on=True), {"action": "power", "power": "on"}),
        (Power(WEB01, "asked", on=False), {"action": "power", "power": "off"}),
        (
            NamedStep(WEB01, "asked", "swap its disks", {"disk": "d1"}),
            {"action": "step", "step": "swap its disks", "about": {"disk": "d1"}},
        ),
        (replace(CREATE, safety=True), {"action": "create", "checkpoint": {"name": "nightly", "safety": True}}),
        (
            UpdateResource(COLLECTION, "tags differ", fields=TAGS),
            {"action": "update", "resource": "/c", "fields": TAGS},
        ),
        (CreateResource(COLLECTION, "missing"), {"action": "create", "resource": "/c", "fields": {}}),
        (DeleteResource(COLLECTION, "gone"), {"action": "delete", "resource": "/c", "fields": {}}),
        (NoOp(WEB01, "it exists", checkpoint=A1), {"action": "keep", "checkpoint": {"id": "a1", "name": "nightly"}}),
    ],
)
def test_each_step_shows_its_vm_its_service_what_it_is_about_and_why(action: Action, about: dict[str, object]) -> None:
    target = {"vm": "web01", "vm_id": WEB01.canonical, "provider": "spf"}
    if action.target is COLLECTION:
        target = {"target": "c", "target_id": "/c", "provider": "compute"}
    assert action.to_result() == target | about | {"id": action.id, "service": "s", "reason": action.reason}


def test_a_bare_action_is_about_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Action(WEB01, "why").details()
    with pytest.raises(NotImplementedError):
        Action(WEB01, "why").title()


def test_a_step_about_no_checkpoint_in_particular_names_none() -> None:
    assert Delete(WEB01, "why").details() == {"checkpoint": {"id": "", "name": ""}}


def test_of_a_change_the_digest_covers_what_it_leads_to_not_what_was() -> None:
    change = UpdateResource(COLLECTION, "asked", fields=TAGS)
    assert name_of(change) == name_of(replace(change, fields={"tags": {"before": {"other": "2"}, "after": {"a": "1"}}}))


def test_of_a_resource_that_goes_the_digest_covers_what_goes_with_it_and_the_id_in_any_case() -> None:
    gone = DeleteResource(COLLECTION, "asked", fields={"go": {"before": None, "after": ["p1"]}})
    assert name_of(replace(gone, target=replace(COLLECTION, id="/C"))) == name_of(gone)
    assert name_of(replace(gone, fields={"go": {"before": None, "after": ["p1", "p2"]}})) != name_of(gone)


def test_what_is_kept_is_in_the_plan_but_writes_nothing() -> None:
    made = Plan(WEB01, (NoOp(WEB01, "it exists", checkpoint=A1), DELETE))
    assert made.writes == (DELETE,)
    assert [action["action"] for action in to_result([made])["actions"]] == ["keep", "delete"]


def test_the_result_is_versioned_json_for_all_vms_in_their_order() -> None:
    result = to_result([Plan(WEB01, (CREATE,)), Plan(WEB02, (replace(DELETE, target=WEB02),))])
    assert result["version"] == 1
    assert result["digest"].startswith("sha256:")
    assert len(result["digest"]) == 71
    assert [action["vm"] for action in result["actions"]] == ["web01", "web02"]
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("a reason", replace(CREATE, reason="the newest is 5 h old")),
        ("how the user spelled the VM", replace(CREATE, target=replace(WEB01, reference="WEB01", name="WEB01"))),
        (
            "what the VM is called in other id spaces",
            replace(CREATE, target=replace(WEB01, host_id="h", partition="p")),
        ),
    ],
)
def test_the_digest_does_not_cover_what_changes_by_itself(what: str, other: Action) -> None:
    assert name_of(other) == name_of(CREATE), what


@pytest.mark.parametrize("step", [DELETE, UPDATE, RESTORE])
@pytest.mark.parametrize(
    "other",
    [
        replace(A1, name="renamed"),
        replace(A1, created=None),
        replace(A1, description="other words"),
        replace(A1, mark=None),
        replace(A1, usability="unknown"),
        replace(A1, id="A1"),
        replace(A1, parent_id="p", depth=7, current=True),
    ],
)
def test_of_an_existing_checkpoint_the_digest_covers_only_the_id(step: Update, other: Checkpoint) -> None:
    assert name_of(replace(step, checkpoint=other)) == name_of(step)


def test_the_digest_does_not_cover_what_is_kept() -> None:
    assert name_of(NoOp(WEB01, "it exists", checkpoint=A1), CREATE) == name_of(CREATE)
    assert name_of(NoOp(WEB01, "it exists", checkpoint=A1)) == digest([])


def test_the_digest_covers_everything_that_is_changed() -> None:
    steps: list[tuple[Action, ...]] = [
        (),
        (CREATE,),
        (replace(CREATE, target=WEB02),),
        (replace(CREATE, target=replace(WEB01, service="https://other")),),
        (replace(CREATE, name="weekly"),),
        (replace(CREATE, description=""),),
        (replace(CREATE, description="words"),),
        (DELETE,),
        (replace(DELETE, checkpoint=point("b2")),),
        (RESTORE,),
        (UPDATE,),
        (replace(UPDATE, description="others"),),
        (Power(WEB01, "asked", on=True),),
        (Power(WEB01, "asked", on=False),),
        (NamedStep(WEB01, "asked", "swap its disks", {"disk": "d1"}),),
        (NamedStep(WEB01, "asked", "swap its disks", {"disk": "d2"}),),
        (NamedStep(WEB01, "asked", "start the VM", {"disk": "d1"}),),
        (CreateResource(COLLECTION, "asked"),),
        (CreateResource(replace(COLLECTION, id="/d", canonical="/d"), "asked"),),
        (CreateResource(COLLECTION, "asked", fields=TAGS),),
        (UpdateResource(COLLECTION, "asked", fields=TAGS),),
        (UpdateResource(COLLECTION, "asked", fields={"tags": {"before": {}, "after": {}}}),),
        (DeleteResource(COLLECTION, "asked"),),
        (replace(CREATE, safety=True),),
        (CREATE, DELETE),
        (DELETE, CREATE),
        (CREATE, CREATE),
    ]
    assert len({name_of(*actions) for actions in steps}) == len(steps)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_two_names_and_descriptions_share_a_digest(name: str, description: str) -> None:
    mine = name_of(replace(CREATE, name=name, description=description))
    assert mine == name_of(replace(CREATE, name=name, description=description, reason="another"))
    assert (mine == name_of(replace(CREATE, name=description, description=name))) == (name == description)
    assert mine != name_of(replace(CREATE, name=name + description))


def test_a_step_is_done_once_and_undoes_and_tells_nothing_unless_it_says_so() -> None:
    step = NamedStep(WEB01, "asked", "swap its disks")
    assert (step.verb, step.once, step.writes, step.relies) == ("step", True, True, True)
    assert (step.restore_run_id, step.describe_state(having(), having())) == ("", "")
    assert step.compensation(having()) == ()
    assert (CREATE.once, CREATE.writes, CREATE.relies, CREATE.kinds) == (False, True, True, ("create",))


def test_what_was_approved_yesterday_is_the_same_today() -> None:
    """Plans and digests are stored: another release has to make the same of the same actions."""
    create = replace(CREATE, description="b")
    assert create.id == "29f6834906f8b9428b2b1758431a28f9"
    assert name_of(create) == "sha256:1dd434ffbff82fbd3b676d95a2fc90026bd4bc2166cc403d55c925719591c2e9"
    assert digest([Plan(WEB01, (create,))], {"on_failure": "undo"}) == (
        "sha256:9c9e60d94b5761693bcdba3c456c0599010ea7689644ae925547f1cc63ff5cca"
    )
    assert checksum([{"b": 1, "a": "ü"}]) == "sha256:42f102f53d7a5bc0f2045974169fb83a1b435d3c99a14e40ad8cde0097d0202e"
    assert checksum([{"b": 1}], {"z": "1"}) == (
        "sha256:abda34d8c120be77127ff19c5b112aed6ba3b24542234f67fd380a7af713987f"
    )


def test_a_group_creates_everywhere_before_it_does_anything_else() -> None:
    other = Create(WEB02, "it is missing", name="nightly")
    plans = [Plan(WEB01, (UPDATE, CREATE, DELETE)), Plan(WEB02, (other,)), Plan(WEB02, (RESTORE, DELETE)), Plan(WEB01)]
    assert [plan.actions for plan in in_stages(plans)] == [
        (UPDATE, CREATE),
        (other,),
        (),
        (),
        (DELETE,),
        (),
        (RESTORE, DELETE),
        (),
    ]
    first, second = Plan(WEB01, (CREATE, UPDATE, CREATE, DELETE)).halves()
    assert (first.actions, second.actions) == ((CREATE, UPDATE, CREATE), (DELETE,))
