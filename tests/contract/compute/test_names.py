# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of restore points, whatever case they are written in."""

from __future__ import annotations

from tests.contract.compute.shop import (
    HOME,
    bench,
    checkpoint,
    names,
)
from tests.support.bench import Bench


def _home(made: Bench, name: str = HOME, group: str | None = None) -> str:
    return made.world.azure.resource_id("restorePointCollections", name, group)


def _collections(made: Bench) -> list[str]:
    return [each.id.split("/resourceGroups/")[1] for each in made.world.azure.collections.values()]


def test_a_name_that_differs_in_case_is_the_same_point() -> None:
    """Azure's names are; a second one of that name cannot be made."""
    made = bench()
    result = checkpoint(made, name="BEFORE")
    if "error" in result:
        assert result["error"]["code"] in ("invalid_input", "ambiguous")
        assert made.sent() == []
    else:
        assert result["changed"] is False
    assert names(made) == ["before"]
