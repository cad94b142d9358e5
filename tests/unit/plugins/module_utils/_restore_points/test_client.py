# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the wire for collections and restore points, and what a refusal of each request is called."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.client import RestorePointClient
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionSpec,
    PointSpec,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils import golden_requests
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

GUID = "33333333-0000-4000-8000-000000000001"
RG = f"/subscriptions/{GUID}/resourceGroups/rg(1)/providers/Microsoft.Compute"
VM, HOME = f"{RG}/virtualMachines/v", f"{RG}/restorePointCollections/c"
POINT, KEY = f"{HOME}/restorePoints/p", f"{RG}/diskEncryptionSets/k"
SETTINGS = cast(Any, SimpleNamespace(compute_api_version="2025-04-01", disk_api_version="2024-03-02"))


def of(arm: Arm) -> RestorePointClient:
    return RestorePointClient(arm, SETTINGS)


def made(**options: Any) -> CollectionSpec:
    return validate_options(CollectionSpec, {"name": "c", "resource_group": "rg", "source": VM, **options})


def asked(**options: Any) -> PointSpec:
    return validate_options(PointSpec, {"name": "p", "collection": "c", "resource_group": "rg", **options})


def home(source: str | None = VM) -> CollectionEntity:
    properties = {"source": None if source is None else {"id": source}}
    return CollectionEntity.model_validate({"id": HOME, "name": "c", "location": "l", "properties": properties})


def change(after: Any) -> dict[str, Any]:
    return {"before": None, "after": after}


HERE = parse(HOME)
CALLS: list[golden_requests.Call] = [
    lambda arm: of(arm).vm(VM),
    lambda arm: of(arm).vm(parse(VM)),
    lambda arm: of(arm).disk(f"{RG}/disks/d"),
    lambda arm: of(arm).collection(HERE),
    lambda arm: of(arm).collection(HOME, grouped=True),
    lambda arm: of(arm).collections(GUID, None),
    lambda arm: of(arm).collections(GUID, "rg(1)"),
    lambda arm: of(arm).graph([GUID, "other"]),
    lambda arm: of(arm).point(POINT),
    lambda arm: of(arm).disk_restore_points(POINT),
    lambda arm: of(arm).put_collection(HERE, made(), "westeurope"),
    lambda arm: of(arm).put_collection(HERE, made(tags={"a": "b"}, instant_access=True), "westeurope"),
    lambda arm: of(arm).put_collection(HERE, made(tags={}, instant_access=False), "westeurope"),
    lambda arm: of(arm).patch_collection(HERE, home(), {"tags": change({"a": "b"})}),
    lambda arm: of(arm).patch_collection(HERE, home(), {"instant_access": change(False)}),
    lambda arm: of(arm).patch_collection(HERE, home(None), {"instant_access": change(True), "tags": change({})}),
    lambda arm: of(arm).put_point(POINT, asked(), {}),
    lambda arm: of(arm).put_point(POINT, asked(consistency="crash"), {"exclude_disks": [f"{RG}/disks/d"]}),
    lambda arm: of(arm).put_point(
        POINT, asked(consistency="crash", source_restore_point="q"), {"source_restore_point": f"{POINT}2"}
    ),
    lambda arm: of(arm).put_point(POINT, asked(instant_access_duration=60), {"exclude_disks": None}),
    lambda arm: of(arm).put_point(
        POINT,
        asked(),
        {
            "encryption_sets": [
                {"disk": "os", "id": KEY, "type": "A"},
                {"disk": f"{RG}/disks/d", "id": KEY, "type": "B"},
                {"disk": f"{RG}/disks/e", "id": KEY, "type": "B"},
            ]
        },
    ),
    lambda arm: of(arm).delete(POINT),
    lambda arm: of(arm).delete(HOME),
]


def test_what_is_sent_and_what_a_refusal_is_called() -> None:
    golden_requests.hold(Path(__file__).parent / "golden" / "requests.txt", [(call, ()) for call in CALLS])


def graph(*answers: Any) -> tuple[list[str], list[str]]:
    """The ids that Resource Graph has told, and what was asked."""
    server = Script(*(reply(200, each) for each in answers))

    async def main() -> list[str]:
        async with server.http() as http:
            return await of(Arm(http, BASE, "client c")).graph([GUID])

    return virtual(main), [each.content.decode() for each in server.requests]


def test_resource_graph_is_asked_page_by_page() -> None:
    first, second = {"data": [{"id": HOME}], "$skipToken": "t1"}, {"data": [{"id": f"{HOME}2"}], "totalRecords": 2}
    found, sent = graph(first, second)
    assert found == [HOME, f"{HOME}2"]
    assert ["$skipToken" in each for each in sent] == [False, True]
    assert '"$skipToken":"t1"' in sent[1].replace(": ", ":")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "Resource Graph answered no rows."),
        ({"data": None}, "Resource Graph answered no rows."),
        ({"data": ["x"]}, "Resource Graph answered no rows."),
        ({"data": [], "$skipToken": 7}, "Resource Graph's $skipToken is no text."),
        (
            {"data": [], "resultTruncated": "true"},
            "Resource Graph holds back a part of its rows, and tells no way to them.",
        ),
        (
            {"data": [], "resultTruncated": True},
            "Resource Graph holds back a part of its rows, and tells no way to them.",
        ),
        (
            {"data": [{"id": HOME}], "totalRecords": 2},
            "Resource Graph holds back a part of its rows, and tells no way to them.",
        ),
    ],
)
def test_an_answer_of_resource_graph_that_is_none(answer: Any, said: str) -> None:
    with pytest.raises(BadResponse) as raised:
        graph(answer)
    assert said in raised.value.message
    remedy = "Ask for fewer subscriptions, or by resource_group, which is a complete list."
    assert (raised.value.remedy == remedy) is ("holds back" in said)


@pytest.mark.parametrize("more", [{"totalRecords": 1}, {"totalRecords": "2"}, {"resultTruncated": "false"}, {}])
def test_an_answer_of_resource_graph_that_is_whole(more: dict[str, Any]) -> None:
    assert graph({"data": [{"id": HOME}], **more})[0] == [HOME]
