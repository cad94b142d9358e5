# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's examples and definitions for Microsoft.ScVmm: every request taken, every answer of that shape."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

import pytest

from .shapes import DATA, compared, load, needs
from .support import Sim, open_sim

pytestmark = pytest.mark.anyio
jsonschema: Any = importlib.import_module("jsonschema")  # it has no types of its own
FOLDER = DATA / "examples" / "scvmm-2024-06-01"
SPECS = sorted((DATA / "specs").glob("scvmm-*.json"))
EXAMPLES = sorted(FOLDER.glob("*.json"))
CALLS = {  # operation -> method, path below virtualMachineInstances, name of the body's parameter
    "List": ("GET", "", None),
    "Get": ("GET", "/default", None),
    "CreateOrUpdate": ("PUT", "/default", "resource"),
    "Update": ("PATCH", "/default", "properties"),
    "Delete": ("DELETE", "/default", None),
    "Start": ("POST", "/default/start", "body"),
    "Stop": ("POST", "/default/stop", "body"),
    "Restart": ("POST", "/default/restart", "body"),
    "CreateCheckpoint": ("POST", "/default/createCheckpoint", "body"),
    "RestoreCheckpoint": ("POST", "/default/restoreCheckpoint", "body"),
    "DeleteCheckpoint": ("POST", "/default/deleteCheckpoint", "body"),
}


def world_for(resource_uri: str, instance: dict[str, Any] | None) -> dict[str, Any]:
    """One VM with one checkpoint, at the resource URI of the examples (which is no ARM id)."""
    vm = {"name": "example", "resource_uri": f"/{resource_uri}", "instance": instance, "checkpoints": [{"name": "one"}]}
    return {"scvmm": {"vms": [vm]}}


def put_example() -> dict[str, Any]:
    """What the fullest PUT example sends: a VM that has every member."""
    path = FOLDER / "VirtualMachineInstances_CreateOrUpdate_MaximumSet_Gen.json"
    resource = load(path)["parameters"]["resource"]
    return {**resource["properties"], "extendedLocation": resource["extendedLocation"]}


async def send(sim: Sim, example: dict[str, Any]) -> Any:
    given = dict(example["parameters"])
    method, path, body_name = CALLS[example["operationId"].partition("_")[2]]
    version, uri = given.pop("api-version"), given.pop("resourceUri")
    body = given.pop(body_name, None) if body_name else None
    query = "".join(f"&{name}={value}" for name, value in given.items())
    target = f"/{uri}/providers/Microsoft.ScVmm/virtualMachineInstances{path}?api-version={version}{query}"
    return await sim.arm(method, target, version=None, **({} if body is None else {"json": body}))


@needs("examples", "scvmm-2024-06-01")
def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 22


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem.partition("_")[2] for path in EXAMPLES])
async def test_example(path: Path) -> None:
    example = load(path)
    async with open_sim(world_for(example["parameters"]["resourceUri"], put_example())) as sim:
        answer = await send(sim, example)
        expected = example["responses"].get(str(answer.status_code))
        assert expected is not None, (answer.status_code, answer.text)
        for header in expected.get("headers", {}):
            assert header in answer.headers
        if "body" in expected:
            assert compared(expected["body"], answer.json(), "examples", strict=False) == []


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if "Delete_" in path.name], ids=lambda path: path.stem[-20:]
)
async def test_delete_of_an_instance_that_is_gone(path: Path) -> None:
    example = load(path)
    uri = example["parameters"]["resourceUri"]
    async with open_sim({"scvmm": {"machines": [{"resource_uri": f"/{uri}", "kind": "SCVMM"}]}}) as sim:
        assert (await send(sim, example)).status_code == 204


def with_refs(document: dict[str, Any]) -> dict[str, Any]:
    """The definitions with references into the common types, which are not at hand, made harmless."""
    document = copy.deepcopy(document)

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if str(node.get("$ref", "")).startswith(".."):
                del node["$ref"]
            for each in node.values():
                visit(each)
        elif isinstance(node, list):
            for each in node:
                visit(each)

    visit(document)
    return document


@pytest.mark.parametrize("spec", SPECS, ids=[path.stem for path in SPECS])
async def test_answers_validate_against_the_definitions(spec: Path) -> None:
    document = with_refs(load(spec))
    store = {"definitions": document["definitions"]}
    covered: set[str] = set()

    def check(name: str, value: Any) -> None:
        # A closed world finds members that the definition does not have; jsonschema alone lets them pass.
        jsonschema.validate(value, {**store, "$ref": f"#/definitions/{name}"})
        unknown(name, value)
        covered.add(name)

    def unknown(name: str, value: Any) -> None:
        definition = document["definitions"][name]
        known = set(definition.get("properties", {}))
        if any("allOf" in each for each in (definition,)):
            known |= {"id", "name", "type", "systemData"}  # common-types ProxyResource
        for member, inner in value.items():
            assert member in known, (name, member)
            reference = definition.get("properties", {}).get(member, {})
            target = reference.get("$ref") or reference.get("items", {}).get("$ref")
            if target is not None:
                kind = target.rpartition("/")[2]
                if "properties" not in document["definitions"][kind]:
                    continue
                for each in inner if isinstance(inner, list) else [inner]:
                    unknown(kind, each)
                    covered.add(kind)

    async with open_sim() as sim:
        check("VirtualMachineInstance", (await sim.arm("GET", sim.instance())).json())
        check(
            "VirtualMachineInstanceListResult", (await sim.arm("GET", sim.instance().removesuffix("/default"))).json()
        )
        put = {"extendedLocation": {"type": "customLocation"}, "properties": {"hardwareProfile": {"cpuCount": 4}}}
        check("VirtualMachineInstance", (await sim.arm("PUT", sim.instance("app02"), json=put)).json())
        created = await sim.arm("PUT", sim.instance().replace("app01", "bare01"), json=put)
        assert created.status_code == 201
        check("VirtualMachineInstance", created.json())
    assert {"VirtualMachineInstance", "InfrastructureProfile", "Checkpoint", "StorageProfile", "VirtualDisk"} <= covered
