# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value that was accepted must be found again, byte for byte: in path, filter, header, body, world."""

from __future__ import annotations

import atexit
import base64
import json
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import trustme

from simulator.azure.model import Collection
from tests.contract.compute import azure_harness
from tests.contract.sign_in.identities import principal
from tests.hostile.options.allowed_requests import filtered_name, spf_root
from tests.support.lab import HOST, Lab, Result

Params = dict[str, Any]
BESIDE: dict[str, Params] = {
    "spf_token": {"spf_auth": "bearer"},
    "spf_stamp_id": {},
    "x509_certificate_path": {"secret": None},
    "federated_token_file": {"secret": None},
}
"""What an option needs beside it to be used at all."""
ALIASES = {
    "vms": ("vm", "vms"),
    "state": ("state", "force"),
    "name": ("name", "restore point"),
    "spf_url": ("spf_url", "SPF"),
}
MARK = re.compile(r"\n?\[hybridvm\.checkpoints 1 [^\]]*\]\Z")


def beside(option: str) -> Params:
    """The other options that make this one count."""
    if option in ("spf_client_key", "spf_client_cert_password"):
        return {"spf_client_cert": _certificate()}
    return BESIDE.get(option, {})


@cache
def _certificate() -> str:
    """A file that holds a certificate and its key."""
    path = _directory() / "client.pem"
    trustme.CA().issue_cert("client@simulator.test").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


def named(option: str, message: str) -> bool:
    """Whether an error names the option, as a user would look for it."""
    return any(re.search(rf"(?<![\w-]){name}(?![\w-])", message) for name in ALIASES.get(option, (option,)))


def here(lab: Lab, value: Any) -> Any:
    """What stands for something of this world."""
    if value == "@checkpoint":
        return lab.world.vm("web01").checkpoints[0].id
    if value == "@plan":
        plan = lab.run("vm_checkpoint_restore", check=True, vm="web01", name="before")["plan"]
        lab.requests.clear()
        return plan
    if value == "@client certificate":
        return _certificate()
    if value == "@certificate":
        principal().register(lab.world.identities)
        return principal().written(_directory(), "pem")["x509_certificate_path"]
    if value == "@token":
        file = _directory() / "token"
        file.write_text(lab.world.identities.assert_identity(float("inf")))
        return str(file)
    return lab.azure_vm if value == "@vm" else value


def surroundings(lab: Lab, option: str) -> dict[str, str]:
    """The environment: a home with a file of credentials, for the option that chooses in it."""
    if option != "profile":
        return {}
    known = lab.world.credentials
    (_directory() / ".azure").mkdir(exist_ok=True)
    (_directory() / ".azure" / "credentials").write_text(
        f"[default]\ntenant={known.tenant}\nclient_id={known.client_id}\nsecret={known.secret}\n"
    )
    return {"HOME": str(_directory())}


@cache
def _directory() -> Path:
    """For files of the session; one for each worker."""
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory)
    return Path(directory)


def suit(lab: Lab, option: str, params: Params) -> None:
    """Let the world have what the value names, so that a value that can be right is."""
    value = params[option]
    if option in ("spf_username", "spf_password", "spf_token", "tenant", "client_id", "secret") and value is not None:
        setattr(lab.world.credentials, option, str(value))
    elif option == "access_token" and value is not None:
        lab.world.tokens[re.sub("^bearer +", "", str(value), flags=re.I)] = (float("inf"), HOST)
    elif option == "instant_access_duration":
        home = _collection(lab, azure_harness.HOME)
        assert home is not None
        home.instant_access = True
    elif option == "vm" and isinstance(value, str):
        lab.world.vm("web01").name = value
    elif option == "vms" and isinstance(value, list) and len(value) == 1:
        lab.world.vm("web01").name = str(value[0])
    elif option == "name" and params.get("vm") == "web01" and "on_ambiguous" in params and "if_running" in params:
        lab.world.vm("web01").checkpoints[0].name = str(value)


def reaches(option: str) -> bool:
    """Whether it is text that goes out."""
    return option in SENT or option in MADE


def sent(lab: Lab, option: str, params: Params) -> None:
    """The requests carry the value as it was given."""
    if params[option] is not None and option in SENT:
        SENT[option](lab.requests, params)


def made(lab: Lab, option: str, params: Params, result: Result) -> None:
    """The world, and the result, hold it as it was given."""
    if params[option] is not None and option in MADE:
        MADE[option](lab, params, result)


def _spf(requests: list[httpx.Request]) -> list[httpx.Request]:
    return [request for request in requests if "/VirtualMachines" in request.url.path or "/VMCheck" in request.url.path]


def _arm(requests: list[httpx.Request]) -> list[httpx.Request]:
    return [request for request in requests if request.url.path.startswith(("/subscriptions/", "/providers/"))]


def _segments(request: httpx.Request) -> list[str]:
    path = request.url.raw_path.decode().partition("?")[0]
    return [urllib.parse.unquote(segment, errors="strict") for segment in path.split("/")]


def _basic(requests: list[httpx.Request], params: Params) -> None:
    pair = f"{params['spf_username']}:{params['spf_password']}"
    for request in _spf(requests):
        scheme, _space, value = request.headers["authorization"].partition(" ")
        assert (scheme, base64.b64decode(value).decode()) == ("Basic", pair)


def _principal(requests: list[httpx.Request], params: Params) -> None:
    for request in _spf(requests):
        assert request.headers["x-ms-principal-id"] == params["spf_principal_id"]


def _user(requests: list[httpx.Request], params: Params) -> None:
    _basic(requests, params)
    for request in _spf(requests):
        assert request.headers["x-ms-principal-id"] in (params["spf_username"], "hybridvm.checkpoints")


def _bearer(option: str, of: Callable[[list[httpx.Request]], list[httpx.Request]]) -> Any:
    def check(requests: list[httpx.Request], params: Params) -> None:
        for request in of(requests):
            given = re.sub("^bearer +", "", str(params[option]), flags=re.I)
            assert request.headers["authorization"] == f"Bearer {given}"

    return check


def _spf_subscription(requests: list[httpx.Request], params: Params) -> None:
    for request in _spf(requests):
        assert _segments(request)[3] == params["spf_subscription_id"]


def _spf_root(requests: list[httpx.Request], params: Params) -> None:
    for request in _spf(requests):
        assert str(request.url).startswith(f"{spf_root(params)}/")


def _stamp(requests: list[httpx.Request], params: Params) -> None:
    filters = [request for request in _spf(requests) if request.method == "GET" and request.url.query]
    for request in filters:
        condition = urllib.parse.unquote(request.url.query.decode()).removesuffix("&$expand=VMCheckpoints")
        assert condition.endswith(f" and StampId eq guid'{params['spf_stamp_id'].lower()}'"), condition


def _update_method(requests: list[httpx.Request], params: Params) -> None:
    assert all(request.method in ("GET", "POST", "DELETE") for request in _spf(requests))


def _form(option: str, member: str) -> Any:
    def check(requests: list[httpx.Request], params: Params) -> None:
        for request in requests:
            if request.url.path.endswith("/token"):
                form = dict(urllib.parse.parse_qsl(request.content.decode(), keep_blank_values=True))
                assert form[member] == params[option]

    return check


def _tenant(requests: list[httpx.Request], params: Params) -> None:
    for request in requests:
        if request.url.path.endswith("/token"):
            assert _segments(request)[1] == params["tenant"]


def _version(option: str, path: str) -> Any:
    def check(requests: list[httpx.Request], params: Params) -> None:
        for request in _arm(requests):
            if re.search(path, str(request.url.path)):
                assert dict(request.url.params)["api-version"] == params[option]

    return check


def _after(word: str, option: str) -> Any:
    """The value is the segment that follows `word` where that first stands; later ids are those that were answered."""

    def check(requests: list[httpx.Request], params: Params) -> None:
        value = params[option]
        if value.startswith("/"):
            return
        for request in _arm(requests):
            words = [segment.lower() for segment in _segments(request)]
            if word in words and words.index(word) + 1 < len(words):
                assert _segments(request)[words.index(word) + 1] == value
                return

    return check


def _vm(requests: list[httpx.Request], params: Params) -> None:
    asked = [name for request in _spf(requests) if (name := filtered_name(request)) is not None]
    given = {params["vm"]} if params.get("vm") is not None else set(params.get("vms") or [])
    assert set(asked) <= given
    assert asked or _arm(requests) or not given or all(_is_guid(each) for each in given)


def _is_guid(text: str) -> bool:
    return bool(re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))


def _subscriptions(requests: list[httpx.Request], params: Params) -> None:
    bodies = [json.loads(r.content) for r in requests if r.url.path.endswith("/resources")]
    assert [body["subscriptions"] for body in bodies] == [params["subscriptions"]]


def _key(requests: list[httpx.Request], params: Params) -> None:
    """Only its hash goes out."""
    key = params["restore_key"]
    if len(key) > 12:
        for request in requests:
            assert key.encode() not in request.content
            assert key not in urllib.parse.unquote(str(request.url))


def _encryption(requests: list[httpx.Request], params: Params) -> None:
    wanted = {each["id"] for each in params["encryption_sets"]}
    puts = [json.dumps(json.loads(request.content)) for request in requests if request.method == "PUT"]
    assert all(json.dumps(each) in body for each in wanted for body in puts)


def _body(option: str, *path: str) -> Any:
    """The value stands in the body of the PUT, where `path` leads."""

    def check(requests: list[httpx.Request], params: Params) -> None:
        for request in requests:
            if request.method == "PUT" and "restorePointCollections" in request.url.path:
                found = json.loads(request.content)
                for step in path:
                    found = found[step]
                assert found == params[option]

    return check


SENT: dict[str, Callable[[list[httpx.Request], Params], None]] = {
    "spf_url": _spf_root,
    "spf_subscription_id": _spf_subscription,
    "spf_stamp_id": _stamp,
    "spf_principal_id": _principal,
    "spf_username": _user,
    "spf_password": _basic,
    "spf_token": _bearer("spf_token", _spf),
    "spf_update_method": _update_method,
    "tenant": _tenant,
    "client_id": _form("client_id", "client_id"),
    "secret": _form("secret", "client_secret"),
    "access_token": _bearer("access_token", _arm),
    "scvmm_api_version": _version("scvmm_api_version", r"virtualMachineInstances"),
    "compute_api_version": _version("compute_api_version", r"Compute/(virtualMachines|restorePointCollections)"),
    "disk_api_version": _version("disk_api_version", r"Compute/disks|diskRestorePoints"),
    "vm": _vm,
    "vms": _vm,
    "collection": _after("restorepointcollections", "collection"),
    "resource_group": _after("resourcegroups", "resource_group"),
    "subscriptions": _subscriptions,
    "restore_key": _key,
    "encryption_sets": _encryption,
    "location": _body("location", "location"),
    "source": _body("source", "properties", "source", "id"),
    "tags": _body("tags", "tags"),
}


def _name(lab: Lab, params: Params, result: Result) -> None:
    name, known = params["name"], {"web01": "web01", lab.arm_vm: "app01"}
    if "supersede" in params:
        vm = known.get(params["vm"])
        assert (azure_harness.names(lab) if vm is None else lab.names(vm)).count(name) == 1
        assert result["checkpoint"]["name"] == name
    elif "if_running" in params:
        assert result["checkpoint"]["name"] == name
    elif "append_tags" in params:
        assert _collection(lab, name) is not None
    elif "consistency" in params:
        assert azure_harness.names(lab).count(name) == 1


def _collection(lab: Lab, name: str) -> Collection | None:
    return next((each for each in lab.world.azure.collections.values() if each.name == name), None)


def _description(lab: Lab, params: Params, result: Result) -> None:
    vm = "web01" if params["vm"] == "web01" else "app01"
    kept = str(lab.world.vm(vm).checkpoints[-1].description)
    assert MARK.search(kept), kept
    assert MARK.sub("", kept) == params["description"]
    assert result["checkpoint"]["description"] == params["description"]


def _tags(lab: Lab, params: Params, _result: Result) -> None:
    found = _collection(lab, params["name"])
    assert found is not None
    assert {name: found.tags.get(name) for name in params["tags"]} == params["tags"]


def _references(lab: Lab, params: Params, result: Result) -> None:
    on_spf = not str(params.get("vm") or (params.get("vms") or [""])[0]).startswith("/")
    if on_spf and "on_ambiguous" in params and "if_running" not in params:
        assert lab.names(lab.world.spf.vmm.vms[0].id).count("new") == 1
    shown = [each["vm"] for each in result.get("vms") or []]
    assert shown in ([], [params.get("vm")], params.get("vms"))


MADE: dict[str, Callable[[Lab, Params, Result], None]] = {
    "name": _name,
    "description": _description,
    "tags": _tags,
    "vm": _references,
    "vms": _references,
}
