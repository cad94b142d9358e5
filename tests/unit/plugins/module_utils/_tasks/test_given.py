# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as they were given: what a result shows of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.given import shown

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "url": {"type": "str"},
    "some": {"type": "list", "elements": "str"},
    "keep": {"type": "dict", "options": {"daily": {"type": "int"}}},
    "sets": {"type": "list", "elements": "dict", "options": {"disk": {"type": "str"}}},
    "tags": {"type": "dict"},
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
