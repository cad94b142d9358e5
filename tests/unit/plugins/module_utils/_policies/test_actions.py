# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans show of a policy's actions, and what of that an approval covers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.actions import (
    CreatePoint,
    KeepPoint,
    RemovePoint,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import WEB01, point

A1 = point("A1")
SHOWN = {"checkpoint": {"id": "A1", "name": "nightly"}}


@pytest.mark.parametrize(
    ("action", "shown", "covered"),
    [
        (
            CreatePoint(WEB01, "why", name="n-2026", template="{prefix}-{utc:%Y}", prefix="n"),
            {"checkpoint": {"name": "n-2026"}, "rule": "max_age"},
            {"name_template": "{prefix}-{utc:%Y}", "prefix": "n"},
        ),
        (
            KeepPoint(WEB01, "why", checkpoint=A1, rule="daily", rules=("daily", "within")),
            {**SHOWN, "rule": "daily", "rules": ["daily", "within"]},
            {"checkpoint_id": "a1"},
        ),
        (
            RemovePoint(WEB01, "why", checkpoint=A1, rule="not_kept"),
            {**SHOWN, "rule": "not_kept"},
            {"checkpoint_id": "a1"},
        ),
    ],
)
def test_what_is_shown_and_what_is_approved(action: Action, shown: dict[str, Any], covered: dict[str, Any]) -> None:
    assert (action.details(), action.covered()) == (shown, covered)


def test_the_verbs_are_those_of_any_checkpoint() -> None:
    assert [(each.verb, each.writes) for each in (CreatePoint, KeepPoint, RemovePoint)] == [
        ("create", True),
        ("keep", False),
        ("delete", True),
    ]
