# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests the modules for Azure's own resources send, as a function of how many points, collections or disks
there are; polls of operations and signing in apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.contract.checkpoints.test_requests import APART
from tests.contract.compute.azure_harness import HOME, QUICK, collection, document, done, point, restore
from tests.support.lab import Lab, Result

COUNTS = (1, 6, 16)


def _lab(*, points: int = 1, collections: int = 1, disks: int = 1) -> Lab:
    world = document()
    world["vms"][0]["data_disks"] = [{"lun": number, "size_gb": 64} for number in range(disks - 1)]
    listed = [{"name": f"p{number:02}", "days_old": 30} for number in range(points)]
    names = [HOME, *(f"other{number:02}" for number in range(collections - 1))]
    world["collections"] = [{"name": name, "source": "shop01", "points": listed} for name in names]
    world["collections"][0]["points"] = [*listed, {"name": "before", "days_old": 20}]
    return Lab({"compute": world}, **{**QUICK, "arm_buckets": 0.0})


def _sent(lab: Lab, task: Callable[[], Result]) -> int:
    before = len(lab.requests)
    done(task())
    sent = [str(request.url).lower() for request in lab.requests[before:]]
    return sum(not any(part in url for part in APART) for url in sent)


@pytest.mark.parametrize("count", COUNTS)
def test_of_a_point_however_many_there_are(count: int) -> None:
    lab = _lab(points=count)
    assert _sent(lab, lambda: point(lab, check=True)) == 5
    assert _sent(lab, lambda: point(lab)) == 7
    assert _sent(lab, lambda: point(lab)) == 4  # the VM as well, to tell whether the point is its own
    assert _sent(lab, lambda: point(lab, state="absent")) == 5
    assert _sent(lab, lambda: point(lab, state="absent")) == 3


@pytest.mark.parametrize("count", COUNTS)
def test_of_a_collection_however_many_points_it_has(count: int) -> None:
    lab = _lab(points=count)
    assert _sent(lab, lambda: collection(lab)) == 2
    assert _sent(lab, lambda: collection(lab, tags={"a": "b"})) == 4
    assert _sent(lab, lambda: collection(lab, state="absent", force=True)) == 4
    assert _sent(lab, lambda: collection(lab, state="absent", force=True)) == 2


@pytest.mark.parametrize("count", COUNTS)
def test_of_listing_collections(count: int) -> None:
    lab = _lab(collections=count)

    def info(**options: Any) -> int:
        return _sent(lab, lambda: lab.run("restore_point_collection_info", **options))

    assert info(name=HOME, resource_group="rg-shop") == 1
    assert info(resource_group="rg-shop") == count + 1
    assert info() == count + 1


@pytest.mark.parametrize("count", COUNTS)
def test_of_looking_at_each_point(count: int) -> None:
    lab = _lab(points=count)
    for view in ("instance_view", "disk_restore_points"):
        asked: dict[str, Any] = {"name": HOME, "resource_group": "rg-shop", view: True}
        assert _sent(lab, partial(lab.run, "restore_point_collection_info", **asked)) == count + 2


@pytest.mark.parametrize("count", [1, 6, pytest.param(16, marks=pytest.mark.slow)])
def test_of_removing_disks(count: int) -> None:
    lab = _lab(disks=count)
    done(restore(lab))
    left = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, leftovers=True))["leftovers"]
    asked: dict[str, Any] = {
        "vm": lab.azure_vm,
        "ids": [each["id"] for each in left],
        "state": "absent",
        "wait_timeout": "30m",
    }
    assert len(left) == count
    assert _sent(lab, lambda: lab.run("leftover_disk", check=True, **asked)) == count + 5
    assert _sent(lab, lambda: lab.run("leftover_disk", **asked)) == 9 * count + 5
