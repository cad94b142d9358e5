# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of a service, and of a restore in steps, where nothing is said."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities, RestorePlan


def test_what_holds_of_a_service_where_nothing_is_said() -> None:
    bare = Capabilities("p", "P", True, True, True, True, True, 1, (1, 2), {})
    assert bare == Capabilities(
        provider="p",
        title="P",
        names_unique=True,
        can_update_description=True,
        operations_findable=True,
        restore_in_place=True,
        power=True,
        max_points=1,
        at_once=(1, 2),
        why={},
        restores="",
        has_description=True,
        safety_name="safety before restore to {name}",
        name_pattern=".{1,255}",
        name_rule="1 to 255 characters",
        longest_series=255,
        id_pattern="[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        id_rule="a GUID with hyphens, without braces",
        pins_apart=False,
        restore_steps=None,
    )


def test_what_holds_of_a_restore_where_nothing_is_said() -> None:
    assert RestorePlan(None, ()) == RestorePlan(None, (), resumed=False, done="", warnings=())
