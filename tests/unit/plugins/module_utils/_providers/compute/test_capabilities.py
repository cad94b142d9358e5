# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Compute lets us promise, number by number."""

from __future__ import annotations

import re

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import generated
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._deps import pydantic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.capabilities import CAPABILITIES
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import restore_steps
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    POINT,
    WHO,
    detail,
    disk,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW


def test_what_it_can_and_cannot() -> None:
    of = CAPABILITIES
    assert (of.provider, of.title, of.max_points, of.at_once) == ("compute", "Azure Compute", 500, (100, 512))
    can = (of.names_unique, of.operations_findable, of.restore_in_place, of.power, of.pins_apart)
    assert can == (True, True, True, True, True)
    assert (of.can_update_description, of.has_description) == (False, False)
    assert (of.longest_series, of.restore_steps) == (50, restore_steps)
    assert of.why == {
        "identity": "the resource id; a name is unique in the VM's collection",
        "time": "the service's own creation time",
        "exactly_once": "with a fixed name exactly one; with max_age as on the others",
        "joining": "the restore point's own state, found by its name",
        "restore": "the VM read on its new disks, and running where it has to",
    }


def test_how_checkpoints_may_be_called() -> None:
    of = CAPABILITIES
    assert of.safety_name == "safety-before-{name}"
    assert of.name_rule == "letters, digits and _ . -, beginning with a letter or digit, at most 80"
    assert of.id_rule == "the ARM id of a restore point, from /subscriptions/ to its name"


def test_the_longest_series_has_room_for_time_and_nonce() -> None:
    name = generated("s" * CAPABILITIES.longest_series, NOW, "0123456789ab")
    assert len(name) == 80
    assert re.fullmatch(CAPABILITIES.name_pattern, name)
    assert not re.fullmatch(CAPABILITIES.name_pattern, f"{name}x")


@pytest.mark.parametrize(
    ("given", "is_id"),
    [
        (POINT, True),
        (POINT.upper(), True),
        (f"{POINT}/x", False),
        ("nightly", False),
        (POINT.rpartition("/")[0], False),
    ],
)
def test_what_an_id_looks_like(given: str, is_id: bool) -> None:
    assert bool(re.fullmatch(CAPABILITIES.id_pattern, given, re.IGNORECASE)) is is_id


def test_what_was_read_does_not_change() -> None:
    with pytest.raises(pydantic.ValidationError):
        detail().vm.location = "elsewhere"
    with pytest.raises(pydantic.ValidationError):
        disk("o").properties.tier = "P1"
    assert WHO.provider == CAPABILITIES.provider
