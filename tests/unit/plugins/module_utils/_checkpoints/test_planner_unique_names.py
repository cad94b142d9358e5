# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where no two checkpoints of a VM share a name, a series generates them, and a fixed name must be free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Ambiguous, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    UNIQUE,
    WEB01,
    NamedStep,
    absent,
    ours,
    planned,
    point,
    present,
    restore,
    steps,
)

FIRST = NamedStep(WEB01, "it does not exist yet", "make collection")


def of_series(point_id: str, age: str, **fields: Any) -> Checkpoint:
    return ours(point_id, age, name=f"nightly-{point_id}", series="nightly", **fields)


def on_azure(spec: Spec, *points: Checkpoint, **fields: Any) -> Plan:
    return planned(spec, *points, capabilities=UNIQUE, **fields)


def generates(made: Plan) -> list[bool]:
    return [action.generate for action in made.writes if isinstance(action, Create)]


def test_a_fixed_name_is_taken_as_it_is_and_a_series_generates_its_names() -> None:
    assert generates(on_azure(present())) == [False]
    assert generates(on_azure(present(max_age="4h"))) == [True]
    assert generates(planned(present(max_age="4h"), capabilities=SERVICE)) == [False]


def test_a_generated_name_counts_for_its_series() -> None:
    assert steps(on_azure(present(), of_series("a1", "9h"))) == []
    assert steps(on_azure(present(max_age="4h"), of_series("a1", "3h"))) == []
    assert steps(on_azure(present(max_age="4h"), of_series("a1", "9h"))) == ["create nightly"]
    assert steps(on_azure(present(name="nightly-a1"), of_series("a1", "9h"))) == []
    assert steps(on_azure(restore(name="nightly"), of_series("a1", "9h"))) == ["restore a1"]
    assert steps(on_azure(absent(), of_series("a1", "9h"))) == ["delete a1"]
    with pytest.raises(Ambiguous):
        on_azure(absent(), of_series("a1", "9h"), of_series("b2", "1h"))


def test_supersede_removes_the_older_ones_of_the_series() -> None:
    made = on_azure(present(max_age="4h", supersede=True), of_series("a1", "9h"), of_series("b2", "5h"))
    assert steps(made) == ["create nightly", "delete a1", "delete b2"]


def test_what_failed_under_a_fixed_name_makes_room_for_it_first() -> None:
    made = on_azure(present(), point("a", usability="unusable"))
    assert steps(made) == ["delete a", "create nightly"]
    assert made.writes[0].reason == "it failed, and its name is needed"
    assert steps(on_azure(present(max_age="4h"), point("a", usability="unusable"))) == ["create nightly"]
    assert steps(on_azure(present(), of_series("a1", "1h", usability="unusable"))) == ["create nightly"]
    assert steps(on_azure(present(supersede=True), ours("a1", usability="unusable"))) == ["delete a1", "create nightly"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "Big Name"}, 'name: "Big Name" is no name that Azure takes: small letters, at most 10 characters'),
        ({"name": "x" * 21}, "is no name that Azure takes"),
        ({"name": "x" * 11, "max_age": "4h"}, "at most 10 characters with max_age."),
    ],
)
def test_a_name_that_the_service_does_not_take_is_refused_before_anything_is_sent(
    options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        on_azure(present(**options))
    assert expected in caught.value.message


def test_a_name_is_only_checked_where_one_is_given_away() -> None:
    assert steps(on_azure(present(name="Big Name"), point("a", name="Big Name"))) == []
    assert steps(on_azure(absent(name="Big Name"))) == []
    assert steps(on_azure(present(name="x" * 20))) == [f"create {'x' * 20}"]
    assert steps(on_azure(present(name="x" * 10, max_age="4h"))) == [f"create {'x' * 10}"]


def test_elsewhere_the_rule_names_no_series() -> None:
    with pytest.raises(InvalidInput) as caught:
        planned(present(name="x" * 200), capabilities=replace(SERVICE, name_pattern=".{1,9}"))
    assert caught.value.message.endswith("takes: 1 to 255 characters.")


def test_a_description_that_nobody_keeps_is_a_warning_and_is_not_sent() -> None:
    made = on_azure(present(description="words"))
    assert made.writes[0].details() == {"checkpoint": {"name": "nightly"}}
    assert made.warnings == ("Azure keeps no descriptions; this one is not stored.",)


def test_what_a_first_create_needs_comes_before_it() -> None:
    assert steps(on_azure(present(), prelude=(FIRST,))) == ["step make collection", "create nightly"]
    assert steps(on_azure(present(), point("a"), prelude=(FIRST,))) == []
    assert steps(on_azure(absent(), prelude=(FIRST,))) == []


def test_a_series_asks_for_what_is_known_to_be_usable() -> None:
    for options, required in (({"max_age": "1d"}, True), ({}, False)):
        (create,) = planned(present(**options), capabilities=UNIQUE).writes
        assert isinstance(create, Create)
        assert (create.require_usable, create.generate) == (required, required)


def test_a_description_that_is_not_kept_tells_nothing_apart() -> None:
    both = [point("a", series="nightly"), point("b", "2h", series="nightly")]
    made = planned(present(description="d"), *both, capabilities=UNIQUE)
    assert (steps(made), made.satisfied_by, made.drift) == ([], both[0], ())
    assert made.warnings == ("Azure keeps no descriptions; this one is not stored.",)
