# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option select: what it takes, and that nothing empty widens it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.patterns import matches_whole
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.selector import Select
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Absent, validate_options

MOMENT = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "meant", "text"),
    [
        ("latest", {"which": "latest"}, "latest"),
        ("oldest", {"which": "oldest"}, "oldest"),
        ({"which": "latest"}, {"which": "latest"}, "latest"),
        ({"before": "2026-11-20T09:00:00+01:00"}, {"before": MOMENT}, "before 2026-11-20 08:00Z"),
        ({"older_than": "7d"}, {"older_than": timedelta(days=7)}, "older_than 7d"),
        ({"name_matches": "web-.*"}, {"name_matches": "web-.*"}, "name_matches web-.*"),
        (
            {"which": "oldest", "managed": True, "pinned": "false"},
            {"which": "oldest", "managed": True, "pinned": False},
            "oldest of those with managed true and pinned false",
        ),
        (Select(which="oldest"), {"which": "oldest"}, "oldest"),
    ],
)
def test_what_it_takes(given: Any, meant: dict[str, Any], text: str) -> None:
    found = validate_options(Absent, {"select": given}).select
    assert found is not None
    assert {key: value for key, value in dict(found).items() if value is not None} == meant
    assert str(found) == text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("newest", "select: takes latest, oldest, or a dictionary of which, before, older_than, name_matches"),
        ({}, "select: takes latest, oldest, or a dictionary"),
        ([], "select: takes latest, oldest, or a dictionary"),
        (["latest"], "select: takes latest, oldest, or a dictionary"),
        (True, "select: takes latest, oldest, or a dictionary"),
        ({"after": "2026-11-20T08:00:00Z"}, "select: takes latest, oldest, or a dictionary"),
        ({1: "x"}, "select: takes latest, oldest, or a dictionary"),
        ("", "select: is empty"),
        ({"before": ""}, "select.before: is empty. Leave it out"),
        ({"older_than": None, "managed": True}, "select: older_than is empty; leave it out"),
        ({"name_matches": ""}, "select.name_matches: is empty. Leave it out"),
        ({"managed": None}, "select: managed is empty"),
        ({"before": 20261120}, "select: before: takes a time as text"),
        ({"older_than": 7}, "select: older_than: takes a duration as text"),
        ({"which": ["latest"]}, "select: which: takes latest or oldest"),
        ({"which": "newest"}, "select.which: takes 'latest' or 'oldest'"),
        ({"before": "2026-11-20T08:00:00"}, "has no offset"),
        ({"older_than": "7"}, "has no unit"),
        ({"name_matches": ["a"]}, "select: name_matches: takes a regular expression as text"),
        ({"name_matches": "(a+)+"}, "select.name_matches: repeats a group"),
        ({"name_matches": "("}, "select.name_matches: is no regular expression"),
        ({"managed": "perhaps"}, "select.managed: takes true or false"),
    ],
)
def test_what_it_refuses(given: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_options(Absent, {"select": given})
    assert told in str(caught.value)


def test_a_name_matches_as_a_whole_and_in_any_case_where_the_service_knows_none() -> None:
    pattern = Select(name_matches="web-.*").name_matches or ""
    names = ("web-1", "Web-1", "my-web-1", "web")
    assert [matches_whole(pattern, name, any_case=False) for name in names] == [True, False, False, False]
    assert [matches_whole(pattern, name, any_case=True) for name in names] == [True, True, False, False]


def test_whether_time_decides() -> None:
    assert (Select(before=MOMENT).by_time, Select(older_than=timedelta(1)).by_time) == (True, True)
    assert not Select(which="latest").by_time
