# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the list of a whole scope of Azure is, and what of its rows is handed on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_scope import listed, path_of_scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope


@pytest.mark.parametrize(
    ("scope", "connection", "path"),
    [
        (Scope("compute"), "s1", "/subscriptions/s1/providers/A.B/c"),
        (Scope("compute", subscription="s2"), "s1", "/subscriptions/s2/providers/A.B/c"),
        (Scope("compute", subscription="s2"), None, "/subscriptions/s2/providers/A.B/c"),
        (Scope("compute", "r g", "s2"), None, "/subscriptions/s2/resourceGroups/r%20g/providers/A.B/c"),
    ],
)
def test_the_path_of_a_scope(scope: Scope, connection: str | None, path: str) -> None:
    assert path_of_scope(scope, connection, "A.B/c") == path


def test_a_scope_without_a_subscription_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        path_of_scope(Scope("compute", "rg"), None, "A.B/c")
    assert str(caught.value) == "subscription_id: is needed to list a whole scope (or AZURE_SUBSCRIPTION_ID)."


@pytest.mark.parametrize(
    ("row", "tags", "location"),
    [
        ({"tags": {"a": "b", "c": 1, "d": None}, "location": "westeurope"}, {"a": "b"}, "westeurope"),
        ({"tags": ["a"], "location": 7}, {}, None),
        ({}, {}, None),
    ],
)
def test_texts_alone_are_handed_on(row: dict[str, Any], tags: dict[str, str], location: str | None) -> None:
    assert listed(row) == {"tags": tags, "location": location}
