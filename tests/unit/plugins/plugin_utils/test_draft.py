# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory's draft: a host is a host, whichever groups there are, and nothing is added."""

from __future__ import annotations

from ansible.inventory.data import InventoryData

from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._draft import Draft


def standing() -> InventoryData:
    """An inventory with the host db01 in the group production."""
    made = InventoryData()
    made.add_group("production")
    made.add_host("db01", "production")
    made.set_variable("db01", "tier", "gold")
    return made


def test_a_host_with_the_name_of_a_group_is_the_host() -> None:
    draft = Draft(standing(), InventoryData())
    draft.add_host("production")
    draft.set_variable("production", "is", "a host")
    draft.add_group("off")
    assert draft.add_group("production") == "production"
    assert draft.add_child("off", "production")
    assert not draft.add_child("off", "production")
    assert draft.add_host("production", "production") == "production"
    found = draft.get_host("production").get_vars()
    assert (found["is"], found["group_names"]) == ("a host", ["off", "production"])


def test_groups_of_groups_are_known() -> None:
    draft = Draft(standing(), InventoryData())
    for group in ("up", "down"):
        draft.add_group(group)
    draft.add_host("web01", "down")
    assert draft.add_child("up", "down")
    assert draft.get_host("web01").get_vars()["group_names"] == ["down", "up"]
    assert draft.groups == {"all", "ungrouped", "production", "up", "down"}


def test_what_is_known_of_a_host_decides_and_stays_as_it_is() -> None:
    inventory = standing()
    draft = Draft(inventory, InventoryData())
    draft.add_host("db01")
    draft.set_variable("db01", "tier", "lead")
    draft.add_group("off")
    draft.add_host("db01", "off")
    found = draft.get_host("db01").get_vars()
    assert (found["tier"], found["group_names"]) == ("lead", ["off", "production"])
    kept = inventory.get_host("db01").get_vars()
    assert (kept["tier"], kept["group_names"]) == ("gold", ["production"])
    assert set(inventory.groups) == {"all", "ungrouped", "production"}
