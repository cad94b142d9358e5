# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that are no answer: deep, huge, self-referring, in another format or another alphabet."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import code
from tests.hostile.server import AZURE_VM, GUID, MACHINE, ON_ARM, ON_SPF, READS, Said, Server, read, within

ATOM = 'xmlns="http://www.w3.org/2005/Atom"'
LAUGHS = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghij")
)
DTDS = {
    "billion laughs": f"<!DOCTYPE feed [{LAUGHS}]><feed {ATOM}>&j;</feed>",
    "a quadratic blow-up": f'<!DOCTYPE feed [<!ENTITY a "{"a" * 50_000}">]><feed {ATOM}>{"&a;" * 50_000}</feed>',
    "an external entity": f'<!DOCTYPE feed [<!ENTITY a SYSTEM "file:///etc/passwd">]><feed {ATOM}>&a;</feed>',
    "an external document type": f'<!DOCTYPE feed SYSTEM "https://elsewhere.test/x.dtd"><feed {ATOM}/>',
    "a parameter entity": f'<!DOCTYPE feed [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><feed {ATOM}/>',
    "an entity without a document type": f'<!ENTITY a "b"><feed {ATOM}/>',
}
NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" " * 1000,
    "half of it": b'{"value": [{"ID": "',
    "100,000 lists": b"[" * 100_000,
    "100,000 lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"value":' * 100_000 + b"1" + b"}" * 100_000,
    "900 lists in a member": b'{"value": ' + b"[" * 900 + b"]" * 900 + b"}",
    "ten thousand digits": b'{"value": ' + b"9" * 10_000 + b"}",
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": [-Infinity]}',
    "an infinite number": b'{"value": [1e999]}',
    "a lone surrogate": b'{"value": [], "x": "\\ud800"}',
    "a lone surrogate in bytes": b'{"value": [], "x": "\xed\xa0\x80"}',
    "no UTF-8": b'{"value": [], "x": "\xff"}',
    "a NUL byte": b'{"value": \x00[]}',
    "a control character": b'{"value": [], "x": "a\nb"}',
    "two documents": b'{"value": []}{"value": []}',
    "single quotes": b"{'value': []}",
    "a comment": b'{"value": [] /* none */}',
    "three million empty lists": b'{"value": [' + b"[]," * 3_000_000 + b"[]]}",
    "two BOMs": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "form data": b"value=1&x=2",
    "YAML": b"value:\n  - x\n",
    "a number": b"7",
    "text": b'"value"',
    "a list": b"[]",
    "null": b"null",
    "an image": b"\x89PNG\r\n\x1a\n" + b"\x00" * 1000,
    "HTML": b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    "HTML with a BOM": b"\xef\xbb\xbf  <HTML><TITLE>x</TITLE></HTML>",
}
BAD_XML: dict[str, bytes] = {
    **{name: text.encode() for name, text in DTDS.items()},
    **{f"{name} in UTF-16": text.encode("utf-16") for name, text in DTDS.items()},
    **{f"{name} with a BOM": b"\xef\xbb\xbf" + text.encode() for name, text in DTDS.items()},
    "a document type in EBCDIC": b'<?xml version="1.0" encoding="cp037"?>' + DTDS["billion laughs"].encode("cp037"),
    "a document type in UTF-7": b'<?xml version="1.0" encoding="utf-7"?>' + b"+ADw-!DOCTYPE feed+AD4-",
    "an alphabet that nobody knows": b'<?xml version="1.0" encoding="klingon"?><feed/>',
    "Latin-1 without saying so": f"<feed {ATOM}><title>\xe9</title></feed>".encode("latin-1"),
    "NUL bytes": f"<feed {ATOM}>\x00</feed>".encode(),
    "100,000 elements deep, not closed": b"<a>" * 100_000,
    "another root": b"<a/>",
    "a feed of another namespace": b"<feed/>",
    "an entity that nobody defined": f"<feed {ATOM}>&nbsp;</feed>".encode(),
    "a prefix that nobody defined": f"<feed {ATOM}><d:a/></feed>".encode(),
    "two documents": f"<feed {ATOM}/>".encode() * 2,
    "an attribute twice": f'<feed {ATOM} a="" a=""/>'.encode(),
    "three million elements": f"<feed {ATOM}>".encode() + b"<a/>" * 3_000_000 + b"</feed>",
    "two million attributes": f"<feed {ATOM}><a ".encode()
    + b" ".join(b'a%d=""' % n for n in range(2_100_000))
    + b"/></feed>",
}


@pytest.mark.parametrize("body", list(NO_JSON))
@pytest.mark.parametrize("service", list(READS))
def test_what_is_no_answer_is_reported_in_one_line(service: str, body: str) -> None:
    with within(60):
        found, message, server = read(service, Said(NO_JSON[body]))
    assert found == "bad_answer", message
    assert len(server.requests) <= 2  # of an Azure VM it is first asked whether it is there
    assert len(message) < 1000


@pytest.mark.parametrize(("status", "wanted"), [(200, "bad_answer"), (400, "refused")])
@pytest.mark.parametrize("body", list(BAD_XML))
def test_xml_is_no_answer_and_as_an_error_it_is_reported_in_one_line(body: str, status: int, wanted: str) -> None:
    with within(60):
        found, message, _server = read("spf", Said(BAD_XML[body], status, {"Content-Type": "application/atom+xml"}))
    assert found == wanted, message
    assert len(message) < 1500
    assert "root:" not in message


DEEP = b"<a>" * 100_000 + b"</a>" * 100_000


def _spf(machine: dict[str, Any]) -> bytes:
    return json.dumps({"value": [{"ID": GUID, "StampId": GUID, "Name": "vm1", **machine}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + _spf({}),
        _spf({}).decode().encode("utf-16"),
        _spf({}).decode().encode("utf-16-be"),
        _spf({}).decode().encode("utf-32"),
        _spf({}).replace(b'"Name": "vm1"', b'"Name": "other", "Name": "vm1"'),
        _spf({"Status": "\x00\x1b[2J", "Other": "\U0001f600", "X": [[[[[[1]]]]]]}),
        b" \r\n\t" + _spf({}) + b"\n" * 1000,
    ],
    ids=["BOM", "UTF-16", "UTF-16 without a BOM", "UTF-32", "a member twice: the last", "odd text", "white space"],
)
@pytest.mark.parametrize(
    "kind", ["application/json", "text/html", "", "image/png", "application/json;charset=utf-7", "x" * 5000]
)
def test_what_is_odd_and_an_answer_all_the_same(body: bytes, kind: str) -> None:
    """Content types lie (proxies and SPF's layers do not agree); what is there counts."""
    server = Server(
        lambda request: Said(
            body if "Machines" in request.url.path else b'{"value": []}', headers={"Content-Type": kind}
        )
    )
    result = server.run("vm_checkpoint_info", **ON_SPF, vm="vm1")
    assert code(result) is None, result
    assert result["vms"][0]["vm_id"] == GUID


WAP = '<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>{0}</Code><Message>{0}</Message></Error>'
ERRORS: dict[str, bytes] = {
    **{
        name: text.replace(f"<feed {ATOM}", "<Error").replace("</feed", "</Error").encode()
        for name, text in DTDS.items()
    },
    "a portal's error": WAP.format("Busy").encode(),
    "a portal's deep error, of a length that is parsed": WAP.format("<a>" * 4000 + "</a>" * 4000).encode(),
    "a portal's deep error": WAP.format(DEEP.decode()).encode(),
    "a portal's long error": WAP.format("x" * 1_000_000).encode(),
    "slashes in JSON": json.dumps({"error": {"code": "x", "message": "/" * 3_000_000}}).encode(),
    "URLs in JSON": json.dumps({"error": {"message": "https://h/a?b " * 200_000}}).encode(),
    "slashes of OData": json.dumps({"odata.error": {"message": {"value": "/" * 3_000_000}}}).encode(),
    "brackets": b"<" * 1_000_000,
    "titles": b"<html>" + b"<title" * 200_000,
    "open titles": b"<html>" + b"<title>" * 200_000,
    "tags": b"<html>" + b"<a " * 300_000,
    "details in details": json.dumps({"error": {"details": [{"details": [{}] * 50}] * 50}}).encode(),
    "controls": json.dumps({"error": {"code": "a\x1b[2J\nb", "message": "\u202ec\r\nd"}}).encode(),
    "wrong types": json.dumps({"error": {"code": 7, "message": ["a"], "details": {}, "target": {"a": []}}}).encode(),
    "another shape": json.dumps({"error": "no", "Message": 7, "odata.error": []}).encode(),
    "packed": gzip.compress(b"no"),
    "nothing": b"",
}


@pytest.mark.parametrize("status", [400, 401, 403, 409, 500])
@pytest.mark.parametrize("body", list(ERRORS))
@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_an_error_s_body_may_hold_anything(service: str, body: str, status: int) -> None:
    with within(60):
        found, message, _server = read(service, Said(ERRORS[body], status))
    wanted = {400: "refused", 401: "sign_in_refused", 403: "forbidden", 500: "unavailable", 409: "refused"}[status]
    assert found == wanted
    assert message.isprintable()
    assert len(message) < 1500
    assert "root:" not in message


@pytest.mark.parametrize("body", list(ERRORS))
@pytest.mark.parametrize("service", ["spf", "scvmm", "compute"])
def test_so_may_the_answer_to_a_write(service: str, body: str) -> None:
    """The create has been taken, whatever comes with the 202: it is not sent again, and reading does not show it."""
    vm = {"spf": "vm1", "scvmm": MACHINE, "compute": AZURE_VM}[service]

    def answers(request: httpx.Request) -> Said:
        path = request.url.path
        if request.method != "GET":
            return Said(ERRORS[body], 202)
        if service == "spf":
            return Said(_spf({}) if "Machines" in path else b'{"value": []}')
        if service == "scvmm":
            return Said(b'{"properties": {"infrastructureProfile": {"checkpoints": []}}}')
        about: dict[str, Any] = {
            "id": path,
            "name": "x",
            "location": "westeurope",
            "properties": {"storageProfile": {}},
        }
        if path.endswith("checkpoints-vm1"):
            about["properties"] = {"source": {"id": AZURE_VM}, "restorePoints": []}
        return Said(
            json.dumps(about if path.rsplit("/", 1)[-1] in ("vm1", "checkpoints-vm1") else {"value": []}).encode()
        )

    server = Server(answers)
    with within(60):
        result = server.run(
            "vm_checkpoint", **(ON_SPF if service == "spf" else ON_ARM), vm=vm, name="n", settle_time="20s"
        )
    assert code(result) in ("not_proven", "outcome_unknown"), result
    assert result["changed"] is True
    assert sum(request.method != "GET" for request in server.requests) == 1
