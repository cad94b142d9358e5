# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource group that is missing: nothing in it exists, and only what is to be made there needs it."""

from __future__ import annotations

from typing import Any

from tests.contract.compute.azure_harness import collection, done, failed, make_lab, point

NOWHERE: dict[str, Any] = {"resource_group": "rg-nowhere"}


def test_what_shall_be_absent_is_absent() -> None:
    lab = make_lab()
    for run in (point, collection):
        result = done(run(lab, state="absent", **NOWHERE))
        assert (result["changed"], lab.writes()) == (False, 0)


def test_a_collection_cannot_be_made_without_its_group() -> None:
    lab = make_lab()
    for check in (True, False):
        assert "rg-nowhere" in failed(collection(lab, source=lab.azure_vm, check=check, **NOWHERE), "not_found")
    assert lab.writes() == 0


def test_a_point_needs_its_collection() -> None:
    lab = make_lab()
    for check in (True, False):
        assert "collection" in failed(point(lab, check=check, **NOWHERE), "not_found")
    assert lab.writes() == 0
