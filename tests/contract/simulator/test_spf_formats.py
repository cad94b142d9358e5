# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's formats beside the usual ones: the service document, and JSON light with more and with less metadata."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from .support import Sim

pytestmark = pytest.mark.anyio
APP = "{http://www.w3.org/2007/app}"
SETS = ["VMCheckPoints", "VirtualMachines", "Jobs", "Clouds"]
DATAJS = "application/atomsvc+xml;q=0.8, application/json;odata=fullmetadata;q=0.7, application/json;q=0.5, */*;q=0.1"


@pytest.mark.parametrize(
    "accept", [None, "application/atomsvc+xml", "application/xml", "application/atom+xml", "*/*", DATAJS]
)
async def test_the_service_document_is_atom_where_xml_is_asked_for(sim: Sim, accept: str | None) -> None:
    answer = await sim.spf("GET", "", accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/atomsvc+xml;charset=utf-8"
    service = ET.fromstring(answer.content)
    assert service.tag == f"{APP}service"
    assert [each.attrib["href"] for each in service.iter(f"{APP}collection")] == SETS


async def test_the_service_document_in_json(sim: Sim) -> None:
    light = await sim.spf("GET", "", accept="application/json")
    assert light.headers["content-type"].startswith("application/json; odata=minimalmetadata")
    assert light.json()["odata.metadata"].endswith("/$metadata")
    assert [each["name"] for each in light.json()["value"]] == SETS
    bare = await sim.spf("GET", "", accept="application/json;odata=nometadata")
    assert bare.json() == {"value": [{"name": each, "url": each} for each in SETS]}
    verbose = await sim.spf("GET", "", accept="application/json;odata=verbose")
    assert verbose.headers["content-type"] == "application/json;odata=verbose;charset=utf-8"
    assert verbose.json() == {"d": {"EntitySets": SETS}}


async def test_only_the_service_document_is_atomsvc(sim: Sim) -> None:
    assert (await sim.spf("GET", "Jobs", accept="application/atomsvc+xml")).status_code == 415
    assert (await sim.spf("GET", "Jobs", accept=DATAJS)).status_code == 200


async def test_full_metadata(sim: Sim) -> None:
    answer = await sim.spf("GET", "VirtualMachines?$expand=VMCheckpoints", accept="application/json;odata=fullmetadata")
    assert answer.headers["content-type"] == "application/json; odata=fullmetadata; streaming=true; charset=utf-8"
    assert answer.json()["odata.metadata"].endswith("/$metadata#VirtualMachines")
    vm = answer.json()["value"][0]
    key = sim.key(vm["ID"], "VirtualMachines")
    assert (vm["odata.type"], vm["odata.editLink"]) == ("VMM.VirtualMachine", key)
    assert vm["odata.id"] == f"https://simulator.test{sim.spf_root}/{key}"
    assert vm["VMCheckpoints@odata.navigationLinkUrl"] == f"{key}/VMCheckpoints"
    assert vm["VMCheckpoints@odata.associationLinkUrl"] == f"{key}/$links/VMCheckpoints"
    assert vm["ID@odata.type"] == "Edm.Guid"
    assert vm["AddedTime@odata.type"] == "Edm.DateTime"
    assert vm["TotalSize@odata.type"] == "Edm.Int64"
    assert not {"Name@odata.type", "CPUCount@odata.type", "Enabled@odata.type", "MostRecentTaskId@odata.type"} & set(vm)
    assert vm["Owner"]["odata.type"] == "VMM.UserAndRole"
    assert vm["GrantedToList@odata.type"] == "Collection(VMM.UserAndRole)"
    assert vm["VMConnection@odata.mediaContentType"] == "application/x-rdp"
    assert vm["VMCheckpoints"][0]["odata.type"] == "VMM.VMCheckPoint"


async def test_no_metadata(sim: Sim) -> None:
    sim.world.switches.update({"spf_paging": "relative", "spf_page_size": 1})
    accept = "application/json;odata=nometadata"
    answer = await sim.spf("GET", "VirtualMachines", accept=accept)
    assert answer.headers["content-type"] == "application/json; odata=nometadata; streaming=true; charset=utf-8"
    assert set(answer.json()) == {"value", "odata.nextLink"}
    assert not [name for name in answer.json()["value"][0] if "odata" in name]
    one = await sim.spf("GET", sim.key(answer.json()["value"][0]["ID"], "VirtualMachines"), accept=accept)
    assert not [name for name in one.json() if "odata" in name]
    gone = await sim.spf("GET", sim.key(sim.world.spf.stamp_id), accept=accept)
    assert gone.headers["content-type"].startswith("application/json; odata=nometadata")
