# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of wrong options, in whole lines, and what just passes."""

from __future__ import annotations

from typing import Any, Union

import pydantic
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.selector import Select
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import (
    Absent,
    Guid,
    Key,
    Name,
    Present,
    ResourceGroup,
    RestoreRequest,
    is_guid,
    require_text,
    validate_options,
)

GUID = "831e819f-0000-4000-8000-00000000000A"
OMIT = (
    'is empty. Leave it out where nothing is meant, such as an unanswered survey field: "{{ value | default(omit, '
    'true) }}".'
)
ONE = "checkpoint_id names one checkpoint; leave out"
BY_ID = "select: pinned checkpoints are removed by checkpoint_id only, with ignore_pin"
GROUP = "group: takes up to 90 letters, digits and - _ . ( ), and does not end in a dot"


class Several(pydantic.BaseModel):
    """Types that no spec here holds by itself."""

    names: list[Name] = []
    group: ResourceGroup | None = None
    guid: Guid | None = None
    key: Key | None = None
    text: str = ""
    either: Union[Name, int] = 0


def refused(kind: type[pydantic.BaseModel], options: dict[str, Any], names: dict[str, str] | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        validate_options(kind, options, names)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (Present, {}, "name is required for state=present (or checkpoint_id, which never creates)"),
        (Present, {"name": ""}, f"name: {OMIT}"),
        (Present, {"name": ["x"]}, "name: Input should be a valid string"),
        (Present, {"name": "n", "supersede": "perhaps"}, "supersede: takes true or false"),
        (Present, {"name": "n", "supersede": ["x"]}, "supersede: takes true or false"),
        (Present, {"name": "n", "pin_lock": True}, "pin_lock goes with pin: true"),
        (Present, {"name": "n", "pin_lock": True, "pin_until": "1d"}, "pin_until goes with pin: true"),
        (
            Present,
            {"checkpoint_id": GUID, "supersede": True},
            "max_age and supersede need a name; checkpoint_id means one checkpoint that exists",
        ),
        (Absent, {}, "name, checkpoint_id or select is required for state=absent"),
        (Absent, {"checkpoint_id": GUID, "select": "latest"}, f"{ONE} select"),
        (Absent, {"select": {"pinned": True}}, BY_ID),
        (Absent, {"select": "latest", "on_ambiguous": "all"}, "select takes all that match; leave out on_ambiguous"),
        (
            Absent,
            {"name": "n", "ignore_pin": True},
            "ignore_pin needs checkpoint_id: a pinned checkpoint is removed by its id only",
        ),
        (RestoreRequest, {}, "say what to restore: name, select or checkpoint_id"),
        (RestoreRequest, {"checkpoint_id": GUID, "name": "n"}, f"{ONE} name and select"),
        (RestoreRequest, {"checkpoint_id": GUID, "select": "oldest"}, f"{ONE} name and select"),
        (RestoreRequest, {"select": ""}, f"select: {OMIT}"),
        (Several, {"names": ["a", " b"]}, "names, element 2: must not begin or end with white space"),
        (Several, {"names": ["a" * 256, " b"]},
         "names, element 1: is longer than 255 characters; names, element 2: must not begin or end with white space"),
        (Several, {"names": ["a" * 256, ""]}, f"names, element 2 of 2: {OMIT}"),
        (Several, {"names": ["a", "\udc80"]}, "names: holds characters that are no Unicode text."),
        (Several, {"key": "a" * 256}, "key: is longer than 255 characters"),
        (Several, {"key": "a\x07"}, "key: must not hold control characters"),
        (Several, {"group": "a."}, GROUP),
        (Several, {"group": "a/b"}, GROUP),
        (Several, {"group": "a" * 91}, GROUP),
        (Several, {"guid": GUID[:-1]}, "guid: is no GUID"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_whole_line(kind: type[pydantic.BaseModel], options: dict[str, Any], told: str) -> None:
    assert refused(kind, options) == told


def test_of_what_takes_several_types_each_says_what_is_wrong_without_the_names_of_our_functions() -> None:
    told = refused(Several, {"either": " b"})
    assert told.startswith("either: must not begin or end with white space; either.int: ")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Present, {"name": "n", "max_age": "4h", "supersede": True}),
        (Present, {"checkpoint_id": GUID}),
        (Present, {"name": "n", "checkpoint_id": GUID}),
        (Present, {"name": "n", "description": "a" * 1500}),
        (Absent, {"name": "n"}),
        (Absent, {"checkpoint_id": GUID, "ignore_pin": True}),
        (Absent, {"select": "latest"}),
        (Absent, {"select": {"pinned": False, "managed": True}, "name": "n"}),
        (Absent, {"select": "latest", "on_ambiguous": "fail"}),
        (Absent, {"name": "n", "on_ambiguous": "all"}),
        (RestoreRequest, {"checkpoint_id": GUID}),
        (RestoreRequest, {"name": "n"}),
        (RestoreRequest, {"name": "n", "select": "oldest"}),
        (RestoreRequest, {"select": "latest"}),
        (Several, {"names": ["a" * 255], "group": "(a.b-c_d)", "guid": GUID, "key": "a" * 255}),
        (Several, {"group": "a" * 90}),
        (Several, {"group": "\u00e4"}),
        (Several, {"text": "\ud7ff\ue000"}),
    ],
)
def test_what_passes_is_kept_as_it_was_given(kind: type[pydantic.BaseModel], options: dict[str, Any]) -> None:
    found = validate_options(kind, options)
    assert found.model_fields_set == set(options)
    texts = {name: value for name, value in options.items() if name not in ("max_age", "select")}
    assert {name: getattr(found, name) for name in texts} == texts


def test_null_was_not_given_and_an_empty_description_neither() -> None:
    given = {"name": "n", "description": "", "supersede": None, "max_age": None, "pin": None}
    assert validate_options(Present, given) == Present(name="n")
    assert validate_options(Present, given).model_fields_set == {"name"}
    assert validate_options(Absent, {"name": None, "select": "latest"}) == Absent(select=Select(which="latest"))


def test_an_option_is_named_by_where_it_came_from() -> None:
    names = {"name": "name (CHECKPOINT)", "max_age": "max_age (AGE)"}
    assert refused(Present, {"name": " n", "max_age": "4", "pin": "x"}, names) == (
        "name (CHECKPOINT): must not begin or end with white space; "
        "max_age (AGE): '4' has no unit; write 4s, 4m or 4h; pin: takes true or false"
    )
    assert (
        refused(Present, {"name": "\ud800"}, names) == "name (CHECKPOINT): holds characters that are no Unicode text."
    )


@pytest.mark.parametrize(
    ("text", "guid"),
    [
        (GUID, True),
        (GUID.upper(), True),
        (f"{{{GUID}}}", False),
        (f"{GUID}\n", False),
        (f" {GUID}", False),
        (GUID.replace("-", ""), False),
        (GUID.replace("f", "g"), False),
        ("", False),
    ],
)
def test_what_is_a_guid(text: str, guid: bool) -> None:
    assert is_guid(text) is guid


@pytest.mark.parametrize("value", ["x", " ", None, 0, False, [], {}])
def test_only_an_empty_text_is_empty(value: object) -> None:
    require_text("name", value)
    with pytest.raises(InvalidInput):
        require_text("name", "")
