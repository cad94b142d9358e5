# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as they were given: what Ansible would make of them unasked, and what a result shows."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.given import (
    refuse_empty_rivals,
    refuse_wrong_shapes,
    shown,
)

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "url": {"type": "str"},
    "some": {"type": "list", "elements": "str"},
    "keep": {"type": "dict", "options": {"daily": {"type": "int"}, "within": {"type": "str"}}},
    "sets": {"type": "list", "elements": "dict", "options": {"disk": {"type": "str"}}},
    "tags": {"type": "dict"},
    "vm": {"type": "str"},
    "vms": {"type": "list", "elements": "str"},
    "file": {"type": "path"},
    "raw": {"type": "raw"},
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "n", "some": ["a"], "tags": {"any": "b"}}, None),
        ({"nmae": "x"}, {"nmae": "********"}),
        ({"nmae": {"a": ["x"]}, "name": None}, {"nmae": "********", "name": None}),
        ({"keep": {"daily": 1, "dayly": "x"}}, {"keep": {"daily": 1, "dayly": "********"}}),
        ({"sets": [{"disk": "d", "dsik": "x"}]}, {"sets": [{"disk": "d", "dsik": "********"}]}),
        ({"keep": "daily=1"}, None),
        ({"url": "https://u:p@host/x"}, {"url": "https://********@host/x"}),
        ({"url": "https://u:p/w@d@host/x"}, {"url": "https://********@host/x"}),
        ({"url": "https://u:p w@host/x"}, {"url": "https://********@host/x"}),
        ({"url": "https://p@host:8090/x"}, {"url": "https://********@host:8090/x"}),
        ({"some": ["https://u:p@host"]}, {"some": ["https://********@host"]}),
        ({"tags": {"a": "https://u:p@host"}}, {"tags": {"a": "https://********@host"}}),
        ({"url": "https://host:8090/SC2012R2/{subscription_id}/x", "name": "mail to a@b"}, None),
    ],
)
def test_a_result_shows_no_value_of_an_unknown_option_and_no_password_of_a_url(
    given: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    assert shown(given, SPEC) == (given if expected is None else expected)


SECRET = "open sesame"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": {"a": SECRET}}, "name: takes a text, not a dictionary. Where"),
        ({"url": [SECRET], "name": []}, "name: takes a text, not a list; url: takes a text, not a list. Where"),
        ({"file": [SECRET]}, "file: takes a text, not a list. Where"),
        ({"some": ["a", [SECRET]]}, "some, element 2 of 2: takes a text, not a list. Where"),
        ({"vm": ["a"]}, "vm: takes one VM; give several as vms."),
        ({"vm": {"a": "b"}}, "vm: takes one VM; give several as vms."),
        ({"keep": 7}, "keep: takes suboptions, not a number."),
        (
            {"keep": True, "sets": 1.5},
            "keep: takes suboptions, not true or false; sets: takes a list of suboptions, not",
        ),
        ({"keep": [SECRET]}, "keep: takes suboptions, not a list."),
        ({"keep": {"within": [SECRET]}}, "keep.within: takes a text, not a list."),
        ({"sets": [{"disk": "d"}, 7]}, "sets[2]: takes suboptions, not a number."),
        ({"sets": [{"disk": {"a": SECRET}}]}, "sets[1].disk: takes a text, not a dictionary."),
    ],
)
def test_what_ansible_would_make_a_text_of_is_refused(given: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        refuse_wrong_shapes(given, SPEC)
    assert str(raised.value).startswith(expected)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"name": 4711, "url": True, "vm": "[web01]"},
        {"name": None, "keep": None, "sets": None, "some": None},
        {"keep": "daily=1", "sets": "[]", "some": "a,b", "tags": {"a": ["b"]}, "raw": [{}]},
        {"unknown": ["a"]},
        {"vms": ["a", "b"]},
    ],
)
def test_what_ansible_reads_as_it_is_meant_passes(given: dict[str, Any]) -> None:
    refuse_wrong_shapes(given, SPEC)


def test_what_to_do_is_said_of_texts_alone() -> None:
    for given, remedy in (
        ({"name": []}, 'Where a template makes a text that looks like one, add "| string".'),
        ({"name": [], "keep": 7}, 'Where a template makes a text that looks like one, add "| string".'),
        ({"vm": []}, ""),
        ({"keep": 7}, ""),
    ):
        with pytest.raises(InvalidInput) as raised:
            refuse_wrong_shapes(given, SPEC)
        assert raised.value.remedy == remedy


def test_where_only_one_vm_is_taken_none_are_offered() -> None:
    with pytest.raises(InvalidInput) as raised:
        refuse_wrong_shapes({"vm": []}, {"vm": {"type": "str"}})
    assert str(raised.value) == "vm: takes one VM."


RIVALS: dict[str, Any] = {
    **SPEC,
    "adopt": {
        "type": "dict",
        "options": {
            "name": {"type": "str"},
            "pattern": {"type": "str"},
            "more": {"type": "dict", "mutually_exclusive": [["a", "b"]]},
        },
        "mutually_exclusive": [["name", "pattern"]],
    },
}


@pytest.mark.parametrize(
    "given",
    [
        {"name": "", "url": None},
        {"name": ""},
        {"name": "n", "url": "u"},
        {"file": "", "url": "u"},
        {"adopt": {"name": ""}},
        {"adopt": {"name": "n", "pattern": "p"}},
        {"adopt": "name=", "keep": {"within": ""}},
    ],
)
def test_an_empty_text_has_no_rival_where_it_is_given_alone(given: dict[str, Any]) -> None:
    refuse_empty_rivals(given, RIVALS, [["name", "url"]])


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"name": "", "url": "u"}, "name"),
        ({"name": "n", "url": ""}, "url"),
        ({"vm": "", "vms": []}, "vm"),
        ({"adopt": {"name": "n", "pattern": ""}}, "pattern"),
        ({"adopt": {"more": {"a": "", "b": "b"}}}, "a"),
    ],
)
def test_an_empty_text_among_rivals_is_an_unanswered_field(given: dict[str, Any], option: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        refuse_empty_rivals(given, RIVALS, [["name", "url"], ["vm", "vms"]])
    assert raised.value.message == f"{option}: is empty."
    assert raised.value.remedy.startswith("Leave it out where nothing is meant")
