# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""curl against the SPF side of the simulator: sign-in, formats, methods, errors."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest

from tests.conformance.simulator_process import SimulatorProcess, running_simulator
from tests.support.waiting import HANG

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed: nothing of SPF is checked with it")
LIGHT, VERBOSE, ATOM = "application/json", "application/json;odata=verbose", "application/atom+xml"
D = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"


class Answer(NamedTuple):
    """What curl got."""

    status: int
    headers: dict[str, str]
    body: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("curl"), "--time-scale", "100") as running:
        yield running


@pytest.fixture
def spf(server: SimulatorProcess) -> SimulatorProcess:
    server.http.post("/reset").raise_for_status()
    return server


def curl(spf: SimulatorProcess, path: str, *options: str, root: str = "spf_url", user: bool = True) -> Answer:
    """One request; the password comes on standard input, as nobody else should see it."""
    ready = spf.ready
    secret = f'user = "{ready["spf_username"]}:{ready["spf_password"]}"\n' if user else ""
    command = [str(CURL), "-q", "-s", "-i", "--noproxy", "*", "--cacert", ready["ca_file"], "-K", "-"]
    command += ["-H", "x-ms-principal-id: curl", *options, f"{ready[root]}/{path}"]
    done = subprocess.run(command, input=secret, capture_output=True, text=True, timeout=HANG, check=True)
    head, _blank, body = done.stdout.partition("\n\n")
    start, *lines = head.splitlines()
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    return Answer(int(start.split()[1]), headers, body)


def _create(spf: SimulatorProcess, name: str, style: str) -> Answer:
    vm = spf.vm("web01")["id"]
    body: dict[str, Any] = {"VMId": vm, "StampId": spf.ready["spf_stamp_id"], "Name": name, "Description": "by curl"}
    options = ["-H", f"Accept: {style}", "-H", f"Content-Type: {style}"]
    if style == ATOM:
        members = "".join(f"<d:{key}>{value}</d:{key}>" for key, value in body.items())
        return curl(spf, "VMCheckPoints", *options, "-d", ENTRY.format(members))
    if style == VERBOSE:
        body["__metadata"] = {"type": "VMM.VMCheckpoint"}
    return curl(spf, "VMCheckPoints", *options, "-d", json.dumps(body))


ENTRY = (
    '<entry xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
    '<content type="application/xml"><m:properties>{}</m:properties></content></entry>'
)


def _member(answer: Answer, name: str, style: str) -> str:
    if style == ATOM:
        found = ElementTree.fromstring(answer.body).find(f".//{D}{name}")
        assert found is not None
        return str(found.text)
    document = json.loads(answer.body)
    return str((document["d"] if style == VERBOSE else document)[name])


def _entity(spf: SimulatorProcess, ident: str) -> str:
    return f"VMCheckPoints(ID=guid'{ident}',StampId=guid'{spf.ready['spf_stamp_id']}')"


def test_basic_is_asked_for(spf: SimulatorProcess) -> None:
    refused = curl(spf, "VirtualMachines", user=False)
    assert refused.status == 401
    assert curl(spf, "VirtualMachines", "-H", f"Accept: {LIGHT}").status == 200
    token = ["-H", f"Authorization: Bearer {spf.ready['spf_token']}"]
    assert curl(spf, "VirtualMachines", *token, user=False).status == 200


@pytest.mark.parametrize("style", [LIGHT, VERBOSE, ATOM])
@pytest.mark.parametrize("root", ["spf_url", "spf_admin_url", "wap_url"])
def test_lists_in_every_format_at_every_root(spf: SimulatorProcess, style: str, root: str) -> None:
    answer = curl(spf, "VirtualMachines", "-H", f"Accept: {style}", root=root)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(style.partition(";")[0])
    if style == ATOM:
        names = [str(each.text) for each in ElementTree.fromstring(answer.body).iter(f"{D}Name")]
    else:
        document = json.loads(answer.body)
        rows = document["value"] if style == LIGHT else document["d"]
        names = [row["Name"] for row in (rows if isinstance(rows, list) else rows["results"])]
    assert {"web01", "db01"} <= set(names)


@pytest.mark.parametrize("style", [LIGHT, VERBOSE, ATOM])
def test_the_life_of_a_checkpoint(spf: SimulatorProcess, style: str) -> None:
    made = _create(spf, "from curl", style)
    assert made.status == 201, made.body
    ident = _member(made, "ID", style)
    assert made.headers["location"].endswith(_entity(spf, ident))
    assert len(made.headers["x-ms-request-id"]) == 36
    spf.settle()
    spf.file("spf", "web01", "/etc/app.conf", "broken")
    kind = ["-H", f"Content-Type: {style}", "-H", f"Accept: {style}"]
    action = '{"VMCheckPointAction": "Restore"}'
    if style == ATOM:
        action = ENTRY.format("<d:VMCheckPointAction>Restore</d:VMCheckPointAction>")
    assert curl(spf, _entity(spf, ident), *kind, "-X", "MERGE", "-d", action).status == 204
    spf.settle()
    assert spf.file("spf", "web01", "/etc/app.conf") == "version = 1\n"
    read = curl(spf, _entity(spf, ident), "-H", f"Accept: {style}")
    assert _member(read, "Name", style) == "from curl"
    assert curl(spf, _entity(spf, ident), "-X", "DELETE").status == 204
    spf.settle()
    assert curl(spf, _entity(spf, ident), "-H", f"Accept: {style}").status == 404


@pytest.mark.parametrize("method", ["MERGE", "PATCH", "PUT"])
@pytest.mark.parametrize("tunnelled", [False, True])
def test_updates_by_every_method(spf: SimulatorProcess, method: str, tunnelled: bool) -> None:
    ident = _member(_create(spf, "to be renamed", LIGHT), "ID", LIGHT)
    spf.settle()
    how = ["-X", "POST", "-H", f"X-HTTP-Method: {method}"] if tunnelled else ["-X", method]
    body = json.dumps({"Name": f"by {method}"})
    answer = curl(spf, _entity(spf, ident), *how, "-H", "Content-Type: application/json", "-d", body)
    assert answer.status == 204, answer.body
    spf.settle()
    read = json.loads(curl(spf, _entity(spf, ident), "-H", f"Accept: {LIGHT}").body)
    assert read["Name"] == f"by {method}"
    assert read["Description"] == ("" if method == "PUT" else "by curl")


def test_queries(spf: SimulatorProcess) -> None:
    vm = spf.vm("web01")["id"]
    answer = curl(
        spf, "VMCheckPoints", "-G", "--data-urlencode", f"$filter=VMId eq guid'{vm}'", "-H", "Accept: " + LIGHT
    )
    assert [row["Name"] for row in json.loads(answer.body)["value"]] == ["baseline"]
    assert ElementTree.fromstring(curl(spf, "$metadata").body).tag.endswith("}Edmx")
    assert curl(spf, "").status == 200


@pytest.mark.parametrize("style", [LIGHT, VERBOSE, ATOM])
def test_errors_in_the_callers_format(spf: SimulatorProcess, style: str) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    answer = curl(spf, _entity(spf, nothing), "-H", f"Accept: {style}")
    assert answer.status == 404
    if style == ATOM:
        assert ElementTree.fromstring(answer.body).tag.endswith("}error")
    else:
        error = json.loads(answer.body)["odata.error" if style == LIGHT else "error"]
        assert error["message"]["value"]


def test_a_version_is_never_above_the_callers(spf: SimulatorProcess) -> None:
    answer = curl(spf, "VMCheckPoints", "-H", "MaxDataServiceVersion: 2.0", "-H", "Accept: application/json")
    assert answer.headers["dataserviceversion"].startswith("2.0")
    assert "d" in json.loads(answer.body)
    assert curl(spf, "VMCheckPoints", "-H", "DataServiceVersion: 4.0").status == 400
    assert curl(spf, "VMCheckPoints", "-H", "Accept: text/csv").status == 415


def test_a_certificate_of_somebody_else_is_refused(spf: SimulatorProcess, tmp_path: Path) -> None:
    """The check itself works: without the CA there is no answer."""
    empty = tmp_path / "no-ca.pem"
    empty.write_text("")
    url = f"{spf.ready['spf_url']}/Clouds"
    done = subprocess.run(
        [str(CURL), "-q", "-s", "--noproxy", "*", "--cacert", str(empty), url], check=False, timeout=HANG
    )
    assert done.returncode in {60, 77}
