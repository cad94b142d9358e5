# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an answer points to elsewhere is not gone to: not with a token, not without one, not once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from tests.contract.checkpoints.scenarios import code
from tests.hostile.campaign import Ending, run
from tests.hostile.tamper import Change, Heard
from tests.hostile.tasks import tasks

TASKS = {task.name: task for task in tasks()}
ELSEWHERE = [
    "https://elsewhere.test/x",
    "https://simulator.test:8443/x",
    "http://simulator.test/x",
    "http://elsewhere.test/x",
    "https://simulator.test@elsewhere.test/x",
    "https://user:word@simulator.test/x",
    "https://elsewhere.test%2f@simulator.test/x",
    "https://SIMULATOR.test/x",
    "https://simul\u0430tor.test/x",
    "https://xn--simultor-5fg.test/x",
    "https://simulator.test./x",
    "https://simulator.test.elsewhere.test/x",
    "https://simulator.test%2eelsewhere.test/x",
    "//elsewhere.test/x",
    "\\\\elsewhere.test\\x",
    "https:\\\\elsewhere.test\\x",
    "https:/\\elsewhere.test/x",
    "https://elsewhere.test\\@simulator.test/x",
    "https://elsewhere.test#@simulator.test/x",
    "https://elsewhere.test?@simulator.test/x",
    " https://elsewhere.test/x",
    "ht\ntps://elsewhere.test/x",
    "https://[::ffff:7f00:1]/x",
    "https://[::1/x",
    "//[::1/x",
    "wss://simulator.test/x",
    "file:///etc/passwd",
    "data:application/json,{}",
]


def _put(body: Any, path: tuple[str | int, ...], value: str) -> bool:
    """Put it in the place of what the answer has there; False where there is no such place."""
    for step in path[:-1]:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(body, dict) or path[-1] not in body:
        return False
    body[path[-1]] = value
    return True


def _in_json(path: tuple[str | int, ...], value: str) -> Change:
    """In every answer that has the place."""

    def changed(_number: int, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
        body: Any = json.loads(heard.body) if heard.body[:1] == b"{" else None
        return (heard.headers, json.dumps(body).encode()) if _put(body, path, value) else None

    return changed


def _in_header(name: str, status: int, method: str, link: str) -> Change:
    """In that header of every answer with that status to such a request."""

    def changed(_number: int, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
        if (heard.status, heard.method) != (status, method) or name.lower() not in heard.headers:
            return None
        kept = [(n, v) for n, v in heard.headers.raw if n.lower() not in (b"location", b"azure-asyncoperation")]
        return httpx.Headers([*kept, (name.encode(), link.replace("\n", "").encode())]), heard.body

    return changed


LINKS: dict[str, tuple[str, Callable[[str], Change], tuple[str | None, ...]]] = {
    # What is the service's own in another spelling, or becomes a path of its own, stays in the house, and is not there.
    "nextLink of ARM": ("scvmm scope", partial(_in_json, ("nextLink",)), ("bad_answer", "not_found")),
    "next link in light JSON": ("spf paged", partial(_in_json, ("odata.nextLink",)), ("bad_answer", "not_found")),
    # A write that was accepted is left to reading, which finds what it made.
    "Azure-AsyncOperation": ("scvmm create", partial(_in_header, "Azure-AsyncOperation", 202, "POST"), (None,)),
    "Location": ("scvmm by location", partial(_in_header, "Location", 202, "POST"), (None,)),
    "a poll's next Location": (
        "scvmm by location",
        partial(_in_header, "Location", 202, "GET"),
        (None,),  # the operation is looked at where it was looked at before
    ),
    "Azure-AsyncOperation of a PUT": ("point", partial(_in_header, "Azure-AsyncOperation", 201, "PUT"), (None,)),
}


def alone(ending: Ending) -> str | None:
    """The code of a run that has called nobody but the service and has met a change."""
    assert ending.log.strangers == []
    assert ending.log.changed > 0
    assert ending.result is not None, ending.crash
    return code(ending.result)


@pytest.mark.parametrize("link", ELSEWHERE)
@pytest.mark.parametrize("kind", list(LINKS))
def test_a_link_that_leads_elsewhere_is_not_followed(kind: str, link: str) -> None:
    name, change, wanted = LINKS[kind]
    assert alone(run(TASKS[name], change(link))) in wanted


@pytest.mark.parametrize("kind", list(LINKS))
def test_somebody_elsewhere_would_have_seen_it(kind: str) -> None:
    """The same without the check: this test can fail."""
    name, change, _wanted = LINKS[kind]
    with (
        mock.patch.object(Http, "_own", lambda _self, url: httpx.URL(url)),
        mock.patch.object(Http, "followable", lambda _self, url: url),
        mock.patch.object(Http, "is_own", return_value=True),
    ):
        strangers = run(TASKS[name], change("https://elsewhere.test/x")).log.strangers
    assert {request.url.host for request in strangers} == {"elsewhere.test"}
    assert all(request.headers.get("authorization") for request in strangers)


IDS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "a VM's disk": ("compute create", ("properties", "storageProfile", "osDisk", "managedDisk", "id")),
    "a VM's own id": ("compute create", ("id",)),
    "a listed VM": ("compute scope", ("value", 0, "id")),
    "a listed machine": ("scvmm scope", ("value", 0, "id")),
    "a disk restore point": (
        "compute restore",
        (
            *("properties", "restorePoints", 0, "properties", "sourceMetadata", "storageProfile", "osDisk"),
            *("diskRestorePoint", "id"),
        ),
    ),
    "a listed disk": ("compute restore", ("value", 0, "id")),
    "a collection's point": ("collection's info", ("properties", "restorePoints", 0, "id")),
    "a collection's source": ("point", ("properties", "source", "id")),
    "a collection in Resource Graph": ("collections of all", ("data", 0, "id")),
}


@pytest.mark.parametrize(
    "tail",
    [
        ".elsewhere.test/x",
        "@elsewhere.test/x",
        ":8443/x",
        "//elsewhere.test/x",
        "https://elsewhere.test/x",
        "\\@elsewhere.test/x",
        "/subscriptions/../../x",
    ],
)
@pytest.mark.parametrize("kind", list(IDS))
def test_an_id_that_leads_elsewhere_is_not_followed(kind: str, tail: str) -> None:
    """URLs are put together from answered ids: one that does not begin with a slash would change the host."""
    name, path = IDS[kind]

    ending = run(TASKS[name], _in_json(path, tail))
    alone(ending)
    assert not any("/../" in heard.target or heard.target.startswith("/x") for heard in ending.log.heard)


ASKED = [
    ("the cloud's metadata", "scvmm create", "/metadata/"),
    ("a token", "scvmm create", "/oauth2/"),
    ("a read of SPF", "spf create", r"GET \S+VirtualMachines"),
    ("a write of SPF", "spf create", r"POST \S+VMCheckPoints"),
    ("a job of SPF", "spf create", r"GET \S+Jobs"),
    ("a read of Arc", "scvmm create", r"GET \S+virtualMachineInstances"),
    ("a write of Arc", "scvmm create", r"POST \S+createCheckpoint"),
    ("a poll of Arc", "scvmm create", r"GET \S+(?i:operation)"),
    ("a read of Azure", "compute create", r"GET \S+restorePointCollections"),
    ("a write of Azure", "compute create", r"PUT \S+restorePoints/"),
    ("a poll of Azure", "compute create", r"GET \S+/operations/"),
    ("Resource Graph", "collections of all", r"POST \S+ResourceGraph"),
]


@pytest.mark.parametrize("to", ["https://elsewhere.test/x", "http://simulator.test/x", "//elsewhere.test/x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("kind", "name", "target"), ASKED)
def test_a_redirect_is_not_followed(kind: str, name: str, target: str, status: int, to: str) -> None:
    """Neither token nor request goes there, and an error says so; a write is left to reading, a look is repeated."""
    ending = run(TASKS[name], _redirects(target, to), status=status)
    found = alone(ending)
    assert found == (None if kind.startswith(("a write", "a poll", "a job")) else "bad_answer")
    assert found is None or "redirect" in str(ending.result)


@pytest.mark.parametrize("to", ["https://[::1", "https://x:port/", "x" * 70_000])
@pytest.mark.parametrize(("kind", "name", "target"), ASKED)
def test_a_redirect_that_leads_nowhere_counts_as_a_broken_answer(kind: str, name: str, target: str, to: str) -> None:
    """A read is tried again for a while, and a write is settled by reading."""
    found = alone(run(TASKS[name], _redirects(target, to), status=302))
    usual = {"a write": None, "a job": "timed_out", "a poll": "timed_out"}
    assert found == usual.get(" ".join(kind.split()[:2]), "unavailable")


def _redirects(target: str, to: str) -> Change:
    def change(_number: int, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
        if not re.search(target, f"{heard.method} {heard.target}"):
            return None
        return httpx.Headers({"Location": to}), b"<html>Moved</html>"

    return change


@pytest.mark.parametrize(
    "login",
    [
        "https://elsewhere.test",
        "https://login.microsoftonline.com.elsewhere.test",
        "https://simulator.test.elsewhere.test",
        "https://simulator.test@elsewhere.test",
        "https://user:word@simulator.test",
        "http://simulator.test",
        "//elsewhere.test",
        "https://simul\u0430tor.test",
        "https:\\\\elsewhere.test",
    ],
)
def test_metadata_that_sends_sign_ins_elsewhere_gets_no_secret(login: str) -> None:
    def change(_number: int, heard: Heard) -> tuple[httpx.Headers, bytes] | None:
        if "/metadata/" not in heard.target:
            return None
        body = json.loads(heard.body)
        for cloud in body:
            cloud["authentication"]["loginEndpoint"] = login
        return heard.headers, json.dumps(body).encode()

    ending = run(TASKS["scvmm create"], change)
    assert alone(ending) == "bad_answer"
    assert len(ending.log.heard) == 1


@pytest.mark.parametrize("link", [each for each in ELSEWHERE if each != "https://SIMULATOR.test/x"])
def test_of_arm_only_another_spelling_of_its_host_is_its_own(link: str) -> None:
    name, change, _wanted = LINKS["nextLink of ARM"]
    assert alone(run(TASKS[name], change(link))) == "bad_answer"
