# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_point_collection_info where one collection cannot be read: the others, and the error beside that one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import HOME, document, done, failed, make_lab
from tests.support.lab import Lab, Result

IN_GROUP = {"resource_group": "rg-shop"}


def _lab(path: str = "restorePointCollections/second", **fault: Any) -> Lab:
    compute = document()
    compute["collections"] += [{"name": name, "source": "shop02"} for name in ("second", "third")]
    lab = make_lab(compute)
    lab.world.faults.add(path=path, count=None, **{"kind": "status", "status": 403, **fault})
    return lab


def _info(lab: Lab, **options: Any) -> Result:
    return lab.run("restore_point_collection_info", **options)


def _rows(result: Result) -> list[tuple[str, str, str | None]]:
    return [
        (each["name"], each["status"], each["error"] and each["error"]["code"])
        for each in result["restore_point_collections"]
    ]


PARTLY = [(HOME, "read", None), ("second", "failed", "forbidden"), ("third", "read", None)]


def test_the_others_are_read_and_the_task_fails() -> None:
    lab = _lab()
    result = _info(lab, **IN_GROUP)
    assert "1 of 3 collections could not be read" in failed(result, "some_failed")
    assert _rows(result) == PARTLY
    unread = result["restore_point_collections"][1]
    unknown = ("location", "tags", "source", "source_location", "provisioning_state", "restore_points")
    assert {name: unread[name] for name in unknown} == dict.fromkeys(unknown)
    assert (unread["instant_access"], unread["id"].rsplit("/", 1)[-1]) == (False, "second")
    assert set(unread) == set(result["restore_point_collections"][0])
    assert "collection second" in unread["error"]["message"]


def test_report_succeeds() -> None:
    result = done(_info(_lab(), on_error="report", **IN_GROUP))
    assert _rows(result) == PARTLY
    (warning,) = result["warnings"]
    assert "1 of 3 collections could not be read; the errors are in restore_point_collections" in warning


def test_stop_leaves_the_rest() -> None:
    result = _info(_lab(), on_error="stop", concurrency=1, **IN_GROUP)
    assert _rows(result) == [PARTLY[0], PARTLY[1], ("third", "not_started", None)]
    assert code(result) == "some_failed"


def test_the_only_one() -> None:
    lab = _lab()
    assert "collection second" in failed(_info(lab, name="second", **IN_GROUP), "forbidden")
    assert _rows(done(_info(lab, name="second", on_error="report", **IN_GROUP))) == [PARTLY[1]]


@pytest.mark.parametrize("option", ["instance_view", "disk_restore_points"])
def test_a_point_that_cannot_be_read_is_its_collections_error(option: str) -> None:
    lab = _lab("restorePoints/before", status=404, body="gone")
    result = _info(lab, **{option: True}, **IN_GROUP)
    assert [status for _name, status, _error in _rows(result)] == ["failed", "read", "read"]


@pytest.mark.parametrize("on_error", ["continue", "stop", "report"])
def test_what_concerns_all_ends_the_task(on_error: str) -> None:
    assert code(_info(_lab(), secret="wrong", on_error=on_error)) == "sign_in_refused"
    lists = _lab(r"restorePointCollections\?")
    assert code(_info(lists, on_error=on_error, **IN_GROUP)) == "forbidden"


@pytest.mark.parametrize("on_error", ["continue", "stop", "report"])
def test_a_sign_in_that_is_refused_meanwhile_ends_the_task(on_error: str) -> None:
    lab = _lab(status=401)
    result = _info(lab, on_error=on_error, concurrency=1, **IN_GROUP)
    assert (code(result), "restore_point_collections" in result) == ("sign_in_refused", False)
