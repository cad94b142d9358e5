# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request that may leave, as a closed list; and a request as the bytes that a server would read.

Whatever stands in an option, a request is one of these: the same path but for the segments that name something, the
same members of query and body, the same headers, and a `$filter` or KQL query of the same form.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections import Counter
from typing import Any

import h11
import httpx

GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SEGMENT = r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2})+"
SEGMENT_TEXT = re.compile(SEGMENT, re.A)
HEADERS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "dataserviceversion",
    "host",
    "if-match",
    "maxdataserviceversion",
    "user-agent",
    "x-http-method",
    "x-ms-client-request-id",
    "x-ms-principal-id",
    "x-ms-return-client-request-id",
}
HEADERS_OF_MSAL = {
    *("metadata", "client-request-id", "x-client-sku", "x-client-ver", "x-client-os", "x-client-cpu"),
    *("x-client-current-telemetry", "x-client-last-telemetry", "x-ms-lib-capability"),
}
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"
FORMS = (
    ["grant_type", "client_id", "client_secret", "scope"],
    ["grant_type", "client_id", "client_assertion_type", "client_assertion", "scope"],
)
FORM_OF_MSAL = {"client_id", "grant_type", "client_info", "client_assertion_type", "client_assertion", "scope"}
_GROUP = f"/subscriptions/{GUID}/resourceGroups/{SEGMENT}"
_COMPUTE = f"{_GROUP}/providers/Microsoft\\.Compute"
_COLLECTION = f"{_COMPUTE}/restorePointCollections/{SEGMENT}"
_INSTANCE = (
    f"{_GROUP}/providers/Microsoft\\.HybridCompute/machines/{SEGMENT}"
    "/providers/Microsoft\\.ScVmm/virtualMachineInstances/default"
)
_TAGS = f"{_COLLECTION}/providers/Microsoft\\.Resources/tags/default"
_LOCKS_OF_POINT = f"{_COLLECTION}/restorePoints/{SEGMENT}/providers/Microsoft\\.Authorization/locks"
_LOCK = f"{_LOCKS_OF_POINT}/hybridvm-pin"
ARM = {
    "GET": [
        "/metadata/endpoints",
        f"/{SEGMENT}/v2\\.0/\\.well-known/openid-configuration",
        f"(?:/subscriptions/{GUID}|{_GROUP})/providers/Microsoft\\.(?:Compute/(?:virtualMachines|disks|"
        "restorePointCollections)|HybridCompute/machines)",
        f"{_GROUP}/providers/Microsoft\\.HybridCompute/machines/{SEGMENT}",
        _INSTANCE,
        f"{_COMPUTE}/(?:virtualMachines|disks)/{SEGMENT}",
        f"{_COLLECTION}(?:/restorePoints/{SEGMENT}(?:/diskRestorePoints(?:/{SEGMENT})?)?)?",
        f"{_GROUP}/providers/Microsoft\\.Authorization/locks",
        _LOCKS_OF_POINT,
    ],
    "POST": [
        "/providers/Microsoft\\.ResourceGraph/resources",
        f"/{SEGMENT}/oauth2/v2\\.0/token",
        f"{_INSTANCE}/(?:createCheckpoint|restoreCheckpoint|deleteCheckpoint|start|stop)",
        f"{_COMPUTE}/virtualMachines/{SEGMENT}/(?:start|deallocate)",
    ],
    "PUT": [f"{_COMPUTE}/disks/{SEGMENT}", f"{_COLLECTION}(?:/restorePoints/{SEGMENT})?", _LOCK],
    "PATCH": [f"{_COMPUTE}/(?:disks|virtualMachines)/{SEGMENT}", _COLLECTION, _TAGS],
    "DELETE": [f"{_COMPUTE}/disks/{SEGMENT}", f"{_COLLECTION}(?:/restorePoints/{SEGMENT})?", _LOCK],
}
_POLLED = re.compile(
    rf"(?:/subscriptions/{GUID})?/providers/Microsoft\.(?:ScVmm|Compute)/locations/\w+/(?:\w*[Oo]perations|"
    rf"operationStatuses)/{SEGMENT}"
)
_KEY = f"\\(ID=guid'{GUID}',StampId=guid'{GUID}'\\)"
_SPF_SETS = "(?:VirtualMachines|VMCheckPoints|Jobs|Clouds)"
SPF = {
    "GET": [f"/{_SPF_SETS}", f"/VMCheckPoints{_KEY}"],
    "POST": ["/VMCheckPoints", f"/(?:VMCheckPoints|VirtualMachines){_KEY}"],
    "DELETE": [f"/VMCheckPoints{_KEY}"],
    **{method: [f"/(?:VMCheckPoints|VirtualMachines){_KEY}"] for method in ("MERGE", "PUT", "PATCH")},
}
_CONDITION = f"(?:(?:ID|VMId|StampId) eq guid'{GUID}'|Name eq '(?P<name>(?:[^']|'')*)')"
_FILTER = re.compile(f"{_CONDITION}(?: and StampId eq guid'{GUID}')?", re.S)
CLOUDS = {
    "azurecloud": ("https://management.azure.com", "https://login.microsoftonline.com"),
    "azureusgovernment": ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "azurechinacloud": ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
_BODIES: list[set[str]] = [
    {"odata.type", "Description"},
    {"odata.type", "VMCheckPointAction"},
    {"odata.type", "Operation"},
    {"name", "description"},
    {"id"},
    {"skipShutdown"},
    {"properties"},
    {"location", "properties"},
    {"location", "properties", "tags"},
    {"location", "properties", "tags", "sku"},
    {"location", "properties", "tags", "sku", "zones"},
    {"location", "properties", "sku", "zones", "tags"},
    {"tags"},
    {"tags", "properties"},
    {"operation", "properties"},
    {"subscriptions", "query", "options"},
]
_NEW_CHECKPOINT = {
    *("odata.type", "Accessibility", "AddedTime", "CheckpointID", "Confirm", "Description", "Enabled", "ID"),
    *("ModifiedTime", "Name", "ParentCheckpointID", "RunAsynchronously", "StampId", "VMCheckPointAction", "VMId"),
}
KQL = "resources | where type =~ 'microsoft.compute/restorepointcollections' | project id"


def send(request: httpx.Request) -> None:
    """The request as a connection would send it, read again by a server; LocalProtocolError where HTTP cannot carry it.

    The wire of these tests has no connection, so that nothing else looks at the bytes.
    """
    body = request.read()
    try:
        client = h11.Connection(h11.CLIENT)
        sent = client.send(h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw))
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
    parts = [sent or b"", client.send(h11.Data(data=body)) if body else b"", client.send(h11.EndOfMessage()) or b""]
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"".join(part or b"" for part in parts))
    head = server.next_event()
    assert isinstance(head, h11.Request)
    assert head.method.decode() == request.method
    assert head.target == request.url.raw_path
    assert sorted(head.headers) == sorted((name.lower(), value.strip()) for name, value in request.headers.raw)
    read = bytearray()
    while isinstance(event := server.next_event(), h11.Data):
        read += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert (bytes(read), server.trailing_data) == (body, (b"", False))


def check(request: httpx.Request, params: dict[str, Any]) -> None:
    """AssertionError unless the request is one of the list, for these parameters."""
    named = Counter(name.lower().decode() for name, _value in request.headers.raw)
    by_msal = bool(params.get("x509_certificate_path")) or params.get("auth_source") == "msi"
    assert set(named) <= (HEADERS | HEADERS_OF_MSAL if by_msal else HEADERS), named
    assert set(named.values()) == {1}, named
    target = request.url.raw_path.decode()
    path, _mark, query = target.partition("?")
    assert "#" not in target
    for segment in path.split("/")[1:]:
        assert SEGMENT_TEXT.fullmatch(segment), segment
        assert segment.strip("."), segment
    members = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&")] if query else []
    origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
    root = spf_root(params)
    if f"{origin}{path}" == IMDS:
        assert params["auth_source"] == "msi"
        assert [name for name, _value in members] in (
            ["api-version", "resource"],
            ["api-version", "resource", "client_id"],
        )
    elif root is not None and f"{origin}{path}".startswith(f"{root}/"):
        _check_spf(request, f"{origin}{path}"[len(root) :], dict(members), params)
    else:
        base, authority = _cloud(str(params["cloud_environment"]))
        if path.endswith(("/oauth2/v2.0/token", "/.well-known/openid-configuration")):
            base = authority
        assert f"{origin}{path}".startswith(f"{base}/"), target
        _check_arm(request, f"{origin}{path}"[len(base) :], members)


def spf_root(params: dict[str, Any]) -> str | None:
    """The root that the options name, as it stands in requests."""
    url, subscription = str(params.get("spf_url") or ""), str(params.get("spf_subscription_id") or "")
    try:
        whole = url.replace("{subscription_id}", urllib.parse.quote(subscription, safe=""))
        return str(httpx.URL(whole.rstrip("/")))
    except (httpx.InvalidURL, UnicodeEncodeError):
        return None


def _cloud(given: str) -> tuple[str, str]:
    """Where its resource manager and its sign-in are; the simulator's is wherever it is asked."""
    if given.lower() in CLOUDS:
        return CLOUDS[given.lower()]
    url = httpx.URL(given.rstrip("/"))
    return str(url).rstrip("/"), f"{url.scheme}://{url.netloc.decode()}"


def filtered_name(request: httpx.Request) -> str | None:
    """The name that a `$filter` asks for."""
    options = dict(urllib.parse.parse_qsl(request.url.query.decode(), keep_blank_values=True))
    found = _FILTER.fullmatch(options.get("$filter", ""))
    return found["name"].replace("''", "'") if found and found["name"] is not None else None


def _check_spf(request: httpx.Request, path: str, members: dict[str, str], params: dict[str, Any]) -> None:
    assert any(re.fullmatch(form, path, re.A) for form in SPF[request.method]), path
    assert set(members) in (set(), {"$filter"}, {"$select"}, {"$filter", "$expand"}), members
    assert members.get("$expand") in (None, "VMCheckpoints")
    assert members.get("$select") in (None, "ID,StampId")
    if "$filter" in members:
        condition = urllib.parse.unquote(members["$filter"], errors="strict")
        assert _FILTER.fullmatch(condition), condition
        asked = filtered_name(request)
        given = [params.get("vm"), *(params.get("vms") or [])]
        assert asked is None or asked in given, (asked, given)
    if request.content:
        body = json.loads(request.content)
        known = [*_BODIES, _NEW_CHECKPOINT]
        assert request.method == "PUT" or set(body) in known, sorted(body)


def _check_arm(request: httpx.Request, path: str, members: list[tuple[str, str]]) -> None:
    if request.method == "GET" and _POLLED.fullmatch(path):
        return  # as it was answered, byte for byte
    # Ids are compared without case, and some go out in lower case.
    assert any(re.fullmatch(form, path, re.A | re.I) for form in ARM.get(request.method, [])), (request.method, path)
    if path.endswith("/token"):
        form = urllib.parse.parse_qsl(request.content.decode(), keep_blank_values=True, strict_parsing=True)
        members_of_form = [name for name, _value in form]
        assert members_of_form in FORMS or set(members_of_form) == FORM_OF_MSAL, members_of_form
        assert not members
        return
    if path.endswith("/openid-configuration"):
        assert not members
        return
    names = [name for name, _value in members]
    assert names in (["api-version"], ["api-version", "$expand"]), members
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-preview)?", members[0][1]), members
    if len(members) > 1:
        assert members[1][1] in ("instanceView", "restorePoints"), members
    if request.content:
        body = json.loads(request.content)
        assert set(body) in _BODIES, sorted(body)
        if "query" in body:
            assert body["query"] == KQL
            assert set(body["options"]) <= {"$top", "$skipToken"}
