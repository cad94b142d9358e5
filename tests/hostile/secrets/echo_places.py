# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in its answers a server may echo what it was sent: a task, and a service that says a text."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.azure.jobs import PlannedEnd, Refused
from simulator.azure.model import Lock
from tests.contract.compute import azure_harness
from tests.support.lab import Lab

GUID = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
STAMP = "2f5d8c30-9e77-4c73-9b20-7b3b5c4d6e7f"
ODATA = "application/json;odata=minimalmetadata"
META = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
LONG = "x" * 920
"""Before an echo, so that an error's thousandth character lies inside it."""


@dataclass(frozen=True)
class Place:
    """`plant` makes the service say the text; `shown`: what it says there comes before the user."""

    name: str
    service: str
    plant: Callable[[Lab, str], None]
    options: dict[str, Any] = field(default_factory=dict)
    module: str = "vm_checkpoint_info"
    shown: bool = True


def _says(
    path: str, status: int, body: Callable[[str], Any], headers: Callable[[str], dict[str, str]] = lambda _t: {}
) -> Callable[[Lab, str], None]:
    def plant(lab: Lab, text: str) -> None:
        echoed = {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers(text).items()}
        kind = "replace" if status == 200 else "status"
        lab.world.faults.add(kind=kind, path=path, status=status, body=body(text), headers=echoed, count=None)

    return plant


def _headers(path: str, **names: str) -> Callable[[Lab, str], None]:
    """An answer of 403 that says the text in headers; `{}` stands for it."""
    return _says(
        path, 403, lambda _text: "no", lambda text: {n.replace("_", "-"): v.format(text) for n, v in names.items()}
    )


def _spf(name: str, status: int, body: Callable[[str], Any], content: str = ODATA, **more: Any) -> Place:
    plant = _says("VirtualMachines", status, body, lambda _text: {"Content-Type": content})
    return Place(name, "spf", plant, {"vm": "web01"}, **more)


def _arm(name: str, status: int, body: Callable[[str], Any], path: str = "machines/app01/", **more: Any) -> Place:
    return Place(name, "arm", _says(path, status, body), {"vm": "app01"}, **more)


def _xml(name: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="utf-8"?><{name} xmlns="{META}">{inside}</{name}>'


def _job(service: str, kind: str, end: str = "Failed") -> Callable[[Lab, str], None]:
    return lambda lab, text: lab.fail_next(service, kind, problem=text, end=end)


def _checkpoint(service: str, vm: str, **of_it: str) -> Callable[[Lab, str], None]:
    def plant(lab: Lab, text: str) -> None:
        point = lab.world.vm(vm, service).checkpoints[0]
        for name, echoed in of_it.items():
            setattr(point, name, echoed.format(text))

    return plant


def _failing(lab: Lab, text: str) -> None:
    lab.world.azure.planned.append(PlannedEnd("point", None, Refused(409, "Echo", text), None))


def _locked(lab: Lab, text: str) -> None:
    scope = f"/subscriptions/{lab.world.arc.subscription_id}/resourceGroups/rg-shop"
    lab.world.azure.locks.append(Lock(scope, text, "ReadOnly"))


def _tagged(lab: Lab, text: str) -> None:
    home = next(each for each in lab.world.azure.collections.values() if each.name == azure_harness.HOME)
    home.tags.update({text: "name", "code": text, "other": text})


def _vms(status: str) -> Callable[[str], Any]:
    return lambda text: {
        "value": [
            {"ID": f"{number}{GUID[1:]}", "StampId": STAMP, "Name": "web01", "Status": status.format(text)}
            for number in range(2)
        ]
    }


NEW: dict[str, Any] = {"module": "vm_checkpoint"}
SPF = [
    _spf("OData, light", 403, lambda text: {"odata.error": {"code": text, "message": {"value": text}}}),
    _spf("OData, verbose", 404, lambda text: {"error": {"code": "", "message": {"lang": "en", "value": text}}}),
    _spf("OData, where it is cut", 403, lambda text: {"odata.error": {"message": {"value": LONG + text}}}),
    _spf("OData, JSON unescaped", 403, lambda text: f'{{"odata.error":{{"message":{{"value":"{text}"}}}}}}'),
    _spf("Atom", 403, lambda text: _xml("error", f"<code>{html.escape(text)}</code><message/>"), "application/xml"),
    _spf("Atom, unescaped", 403, lambda text: _xml("error", f"<message>{text}</message>"), "application/xml"),
    _spf("portal's XML", 500, lambda text: _xml("Error", f"<Code>E</Code><Message>{html.escape(text)}</Message>")),
    _spf("portal's JSON", 403, lambda text: {"Code": "x", "Message": text}),
    _spf("HTML, title", 403, lambda text: f"<html><head><title>{text}</title></head></html>", "text/html"),
    _spf("HTML, body", 403, lambda text: f"<html><body><p class=x>{text}</p></body></html>", "text/html"),
    _spf("plain text", 403, str, "text/plain"),
    _spf("plain text, where it is cut", 403, lambda text: "x" * 280 + text, "text/plain"),
    _spf("broken JSON", 403, lambda text: f'{{"odata.error": "{text}'),
    _spf("malformed entity", 200, lambda text: {"value": [{"ID": [text], "Name": {text: text}}]}, shown=False),
    _spf("another origin", 200, lambda text: {"value": [], "odata.nextLink": f"https://{text}.example/"}, shown=False),
    _spf("state of a VM", 200, _vms("{}")),
    _spf("time of a checkpoint", 200, lambda text: {"value": [{"ID": GUID, "StartTime": text}]}, shown=False),
    Place("request id", "spf", _headers("VirtualMachines", request_id="{}"), {"vm": "web01"}),
    Place("long request id", "spf", _headers("VirtualMachines", x_ms_request_id="x" * 85 + "{}"), {"vm": "web01"}),
    Place(
        "challenge",
        "spf",
        _says("VirtualMachines", 401, lambda _text: "", lambda text: {"WWW-Authenticate": text}),
        {"vm": "web01"},
        shown=False,  # its first word is
    ),
    Place(
        "other headers",
        "spf",
        _headers("VirtualMachines", Set_Cookie="{}", Server="{}", X_Echo="{}", Date="{}", Retry_After="{}"),
        {"vm": "web01"},
        shown=False,
    ),
    Place(
        "redirect",
        "spf",
        _says("VirtualMachines", 307, str, lambda text: {"Location": text}),
        {"vm": "web01"},
        shown=False,
    ),
    Place("type of content", "spf", _says("VirtualMachines", 403, str, lambda text: {"Content-Type": text})),
    Place("name of a checkpoint", "spf", _checkpoint("spf", "web01", name="{}"), {"vm": "web01"}),
    Place("its description", "spf", _checkpoint("spf", "web01", description="{}\nso"), {"vm": "web01"}),
    Place("names in a diff", "spf", _checkpoint("spf", "web01", name="{}", description="{}"), {"vm": "web01"}, **NEW),
    Place(
        "names in an error",
        "spf",
        _checkpoint("spf", "web01", name=f"{LONG[:900]}{{}}"),
        {"vm": "web01", "name": "none"},
        "vm_checkpoint_restore",
    ),
    Place("job's error", "spf", _job("spf", "create"), {"vm": "web01"}, **NEW),
    Place("job's messages", "spf", _job("spf", "create", "SucceedWithInfo"), {"vm": "web01"}, **NEW),
]


def _error(**members: Any) -> Callable[[str], Any]:
    """An error of ARM; `{}` in any text stands for what is echoed."""
    return lambda text: {"error": _filled({"code": "Echo", **members}, text)}


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, text) for each in value]
    return value.replace("{}", text) if isinstance(value, str) else value


def _instance(text: str) -> dict[str, Any]:
    point = {"checkpointID": GUID.upper(), "name": text, "description": text}
    return {"id": "x", "properties": {"infrastructureProfile": {"checkpoints": [point]}}}


ARM = [
    _arm("code", 403, _error(code="{}")),
    _arm("message", 403, _error(message="{}")),
    _arm("message, where it is cut", 403, _error(message=LONG + "{}")),
    _arm("target", 403, _error(target="{}")),
    _arm("details", 403, _error(details=[{"code": "A", "details": [{"message": "{}"}]}])),
    _arm("additional info", 403, _error(additionalInfo=[{"type": "{}", "info": {"a": ["{}"]}}])),
    _arm("additional info, cut", 403, _error(additionalInfo=[{"type": "T", "info": "x" * 380 + "{}"}])),
    _arm("unwrapped error", 403, lambda text: {"code": "x", "message": text}),
    _arm("error as text", 403, lambda text: {"error": text}),
    _arm("HTML", 403, lambda text: f"<html><title>{text}</title></html>", shown=False),
    _arm("malformed instance", 200, lambda text: {"properties": {text: 1, "powerState": [text]}}, shown=False),
    _arm("names", 200, _instance),
    _arm("sign-in's description", 401, lambda text: {"error": "x", "error_description": text}, "/oauth2/"),
    _arm("sign-in's error", 400, lambda text: {"error": text}, "/oauth2/"),
    _arm("sign-in, where it is cut", 400, lambda text: {"error_description": "x" * 280 + text}, "/oauth2/"),
    _arm("sign-in's ids", 401, lambda text: {"error": "x", "trace_id": text, "correlation_id": text}, "/oauth2/"),
    _arm(
        "sign-in without a token",
        200,
        lambda text: {"access_token": [text], "expires_in": text},
        "/oauth2/",
        shown=False,
    ),
    _arm("cloud's description", 404, str, "/metadata/", shown=False),
    _arm("cloud's own words", 200, lambda text: [{"name": text, "resourceManager": text}], "/metadata/", shown=False),
    Place("request id", "arm", _headers("machines/app01/", x_ms_request_id="{}"), {"vm": "app01"}),
    Place("correlation id", "arm", _headers("machines/app01/", x_ms_correlation_request_id="{}"), {"vm": "app01"}),
    Place(
        "other headers",
        "arm",
        _headers("machines/app01/", Set_Cookie="{}", ETag="{}", WWW_Authenticate="{}", Location="{}"),
        {"vm": "app01"},
        shown=False,
    ),
    Place("failed operation", "arm", _job("scvmm", "create"), {"vm": "app01"}, **NEW),
    Place("failed point", "arm", _failing, {"vm": "shop01", "name": "new"}, **NEW),
    Place("name of a lock", "arm", _locked, {"vm": "shop01", "name": "new"}, **NEW),
    Place(
        "tags",
        "arm",
        _tagged,
        {"name": azure_harness.HOME, "resource_group": "rg-shop"},
        "restore_point_collection_info",
    ),
    Place(
        "tags in a diff",
        "arm",
        _tagged,
        {"name": azure_harness.HOME, "resource_group": "rg-shop", "tags": {"a": "b"}},
        "restore_point_collection",
    ),
]


def make_lab() -> Lab:
    """VMs of all services, each with a checkpoint."""
    compute = {"compute": azure_harness.document()}
    vms = {
        service: {"vms": [{"name": vm, "checkpoints": [{"name": "baseline", "days_old": 3}]}]}
        for service, vm in (("spf", "web01"), ("scvmm", "app01"))
    }
    return Lab({**compute, **vms}, **azure_harness.QUICK)


def run(lab: Lab, place: Place, **options: Any) -> dict[str, Any]:
    """The task of a place."""
    given = {"wait_timeout": "90s", "settle_time": "2s", **place.options, **options}
    if "vm" in given or place.module.startswith("vm_"):
        vms = {"app01": lab.arm_vm, "shop01": lab.azure_vm}
        given["vm"] = vms.get(given.get("vm", "web01"), given.get("vm", "web01"))
        if place.module == "vm_checkpoint":
            given.setdefault("name", "new")
    return lab.run(place.module, **given)


def said(result: dict[str, Any]) -> str:
    """All that a result says, on lines as they would be read."""
    return "\n".join([json.dumps(result, ensure_ascii=False), str(result.get("msg")), str(result.get("diff"))])
