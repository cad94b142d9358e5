# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five shapes in which SPF and what stands before it say no, and which of them means locked."""

from __future__ import annotations

import json

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Locked
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import odata
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

LIGHT = {"odata.error": {"code": "", "message": {"lang": "en-US", "value": "It says no."}}}
VERBOSE = {"error": {"code": "", "message": {"lang": "en-US", "value": "It says no."}}}
META = 'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
ATOM = f"<?xml version='1.0'?><m:error {META}><m:code/><m:message xml:lang='en-US'>It says no.</m:message></m:error>"
PACK = (
    "<Error xmlns='http://schemas.microsoft.com/windowsazure'><Code>AuthenticationFailed</Code>"
    "<Message>It says no.</Message></Error>"
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (LIGHT, "It says no."),
        (VERBOSE, "It says no."),
        ({"error": {"message": "It says no."}}, "It says no."),
        ({"Code": "X", "Message": "It says no."}, "It says no."),
        (ATOM, "It says no."),
        (PACK, "AuthenticationFailed It says no."),
        ("<html><head><title>401 - Unauthorized</title></head><body>words</body></html>", "401 - Unauthorized"),
        ("<html><head><title>404</title></head><body><code>0x80070002</code></body></html>", "404"),
        ("<!DOCTYPE html><html><body><h2>403</h2>Forbidden</body></html>", "403 Forbidden"),
        ("plain words", "plain words"),
        ("", ""),
        ({"odata.error": "broken"}, ""),
        ({"odata.error": {"message": None}}, ""),
        ({"odata.error": {"message": "out", "internalexception": {"message": "deep"}}}, "out; deep"),
        ({}, ""),
        ('{"odata.error": ', '{"odata.error":'),
        ("<Error><Code>", ""),
    ],
)
def test_each_shape_is_understood(body: object, words: str) -> None:
    assert odata.said_by(answer(400, body)) == words


INNER = {
    "message": "An error occurred.",
    "type": "System.Exception",
    "stacktrace": "at A.B()\r\n at C.D()",
    "internalexception": {"message": "VMM error (2602): locked by another job.", "type": "X", "stacktrace": "at E()"},
}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("wrapper", ["odata.error", "error"])
def test_what_an_inner_error_says_is_appended_and_counts(wrapper: str, bom: bytes) -> None:
    """Simple.OData.Client#148, odata.net#843: the outer text is generic, and the reason stands inside."""
    outer = {"code": "", "message": {"lang": "en-US", "value": "It failed."}, "innererror": INNER}
    response = answer(500, bom + json.dumps({wrapper: outer}).encode())
    said = odata.said_by(response)
    assert said == "It failed.; An error occurred.; VMM error (2602): locked by another job."
    assert isinstance(odata.error(response, context="creating it"), Locked)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_inner_errors_in_xml_too(encoding: str) -> None:
    inner = (
        "<m:innererror><m:message>at line 7</m:message><m:stacktrace>secret path</m:stacktrace>"
        "<m:internalexception><m:message>deep</m:message></m:internalexception></m:innererror></m:error>"
    )
    body = ATOM.replace("</m:error>", inner).partition("?>")[2]
    assert odata.said_by(answer(500, body.encode(encoding))) == "It says no.; at line 7; deep"


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE x [<!ENTITY a 'b'>]><Error><Message>&a;</Message></Error>",
        "<!ENTITY a 'b'><Error><Message>no</Message></Error>",
        f"<?xml version='1.0'?><!DOCTYPE x>{PACK}",
        f"<!DOCTYPE x>{PACK}".encode("utf-16-le"),
        f"{PACK}{' ' * 65536}",
        PACK.replace("no", "n\0"),
    ],
)
def test_xml_that_might_be_a_bomb_is_not_parsed(body: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_xml: bytes) -> None:
        raise RuntimeError("parsed")

    monkeypatch.setattr("xml.etree.ElementTree.fromstring", parse)
    odata.said_by(answer(400, body))
    with pytest.raises(RuntimeError, match="parsed"):
        odata.said_by(answer(400, PACK))


@pytest.mark.parametrize("alphabet", ["none", "shift_jis"])
@pytest.mark.parametrize("room", [1, 200])
def test_xml_in_an_alphabet_that_is_not_known_is_read_as_text(alphabet: str, room: int) -> None:
    said = f"<?xml version='1.0'{' ' * room}encoding='{alphabet}'?><Error>no</Error>"
    assert odata.said_by(answer(400, said)) == "no"


def test_xml_of_64_kibibytes_is_still_parsed() -> None:
    body = "<error><message>out</message><message>deep</message></error>"
    assert odata.said_by(answer(500, body + " " * (65536 - len(body)))) == "out; deep"
    assert odata.said_by(answer(500, body + " " * (65537 - len(body)))) == "out deep"


def test_a_long_text_is_cut() -> None:
    assert len(odata.said_by(answer(500, "x" * 5000))) == 300


@pytest.mark.parametrize("body", [LIGHT, VERBOSE, ATOM])
def test_an_error_quotes_it(body: object) -> None:
    error = odata.error(answer(400, body), context="creating it", sign_in="svc")
    assert error.message == "creating it: refused (400): It says no."
    unknown = odata.error(answer(401, body), context="creating it", sign_in="svc")
    assert unknown.message == "sign-in refused (401) for svc: It says no. The server offers nothing."


@pytest.mark.parametrize(
    ("status", "said", "locked"),
    [
        (500, "VMM cannot complete the operation because the VM is locked. (Error ID: 2602)", True),
        (400, "2602", True),
        (409, "ID:2602.", True),
        (423, "(2602)", True),
        (404, "Error ID: 2602", False),
        (503, "Error ID: 2602", False),
        (500, "Error ID: 26021", False),
        (500, "Error ID: 12602", False),
        (500, "Error ID: 2601", False),
        (500, "VM 831e819f-2602-4c1b-9c1f-77aa00000000 is not known", False),
        (500, "VM a2602 is not known", False),
        (500, "There is not enough space: 2602 MB are free. (Error 20413)", False),
        (500, "There is not enough space: 2602 MB are free.", False),
        (400, "The VM name 2602 is invalid.", False),
        (409, "The checkpoint 'Azure Local (2602)' exists already.", False),
        (409, "Error 2602 is the name of a checkpoint that is too large. (Error ID: 10803)", False),
        (409, "VMM error: 2602", True),
    ],
)
def test_only_vmm_s_2602_means_locked(status: int, said: str, locked: bool) -> None:
    body = json.dumps({"odata.error": {"code": "", "message": {"value": said}}})
    assert isinstance(odata.error(answer(status, body), context="creating it"), Locked) is locked


@pytest.mark.parametrize(
    ("code", "locked"), [("2602", True), ("VMM2602", True), (2602, True), ("", False), ("7", False)]
)
def test_a_code_tells_a_lock_in_any_shape(code: object, locked: bool) -> None:
    said = "The object is locked by another job."
    for body in (
        {"odata.error": {"code": code, "message": {"value": said}}},
        {"error": {"code": code, "message": said}},
        {"Code": code, "Message": said},
        f"<m:error {META}><m:code>{code}</m:code><m:message>{said}</m:message></m:error>",
    ):
        assert isinstance(odata.error(answer(500, body), context="creating it"), Locked) is locked


def test_another_code_wins_over_the_text() -> None:
    body = {"odata.error": {"code": "10803", "message": {"value": "Error 2602 is its name."}}}
    assert not isinstance(odata.error(answer(500, body), context="creating it"), Locked)


@pytest.mark.parametrize("status", [400, 409, 500])
def test_a_code_that_repeats_the_status_is_no_other_cause(status: int) -> None:
    said = "The object is locked by another job. (Error ID: 2602)"
    for code in (status, str(status)):
        body = {"odata.error": {"code": code, "message": {"value": said}}}
        assert isinstance(odata.error(answer(status, body), context="creating it"), Locked)
    body = {"odata.error": {"code": "441", "message": {"value": said}}}
    assert not isinstance(odata.error(answer(status, body), context="creating it"), Locked)


@pytest.mark.parametrize("name", ["Error 2602", "Locked (2602)"])
def test_a_name_that_was_sent_is_no_lock(name: str) -> None:
    body = {"odata.error": {"code": "", "message": {"value": f"{name} is too long."}}}
    assert isinstance(odata.error(answer(400, body), context="creating it"), Locked)
    assert not isinstance(odata.error(answer(400, body), context="creating it", names=["web01", name]), Locked)


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (b'{"odata.error": {"code": "", "message": {"lang": "en-US", "value": "Resource not found."}}}', True),
        (b'{"error": {"code": "", "message": {"lang": "en-US", "value": "Resource not found."}}}', True),
        (ATOM.encode(), True),
        (PACK.encode(), True),
        (b'{"Message": "No HTTP resource was found that matches the request URI."}', False),
        (b'{"error": {"code": 404, "message": "Not Found"}}', False),
        (b"<Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>", False),
        (b"<?xml version='1.0'?><html><body><message>Not found</message></body></html>", False),
        (b"<Error xmlns='http://schemas.microsoft.com/windowsazure'><Message>no</Message>", False),
        (b"see http://schemas.microsoft.com/windowsazure", False),
        (b"{", False),
        (b"[]", False),
    ],
)  # fmt: skip
def test_only_the_service_s_own_form_is_its_own_word(body: bytes, own: bool) -> None:
    """A gateway's 404 in JSON or XML says nothing of a checkpoint: it may have filtered the verb."""
    assert odata.is_own_error(answer(404, body)) is own


@pytest.mark.parametrize("bom", ["", "\ufeff", " \r\n\t"])
def test_only_so_much_of_an_error_is_looked_at(bom: str) -> None:
    late = f"{bom}<error>{' ' * 1024}<message xmlns='http://schemas.microsoft.com/windowsazure'>no</message></error>"
    early = f"{bom}<error xmlns='http://schemas.microsoft.com/windowsazure'><message>no</message></error>"
    assert odata.is_own_error(answer(404, early))
    assert not odata.is_own_error(answer(404, late))
    assert odata.said_by(answer(404, late)) == odata.said_by(answer(404, early)) == "no"


@pytest.mark.parametrize(("room", "own"), [(0, True), (1, False)])
def test_a_namespace_counts_within_the_first_kibibyte(room: int, own: bool) -> None:
    namespace = "http://schemas.microsoft.com/windowsazure"
    before = "<error>" + " " * (1024 + room - 23 - len(namespace)) + "<message xmlns='"
    assert len(before + namespace) == 1024 + room
    assert odata.is_own_error(answer(404, f"{before}{namespace}'>no</message></error>")) is own


def test_nobody_looks_behind_a_mebibyte() -> None:
    assert odata.said_by(answer(500, b" " * (1024 * 1024 - 2) + b"no more")) == "no"


def test_five_inner_messages_are_told_once_each() -> None:
    inner = "".join(f"<message>{word}</message>" for word in ("a", "b", "a", "", "c", "d", "e"))
    assert odata.said_by(answer(500, f"<error><code>C</code><message>out</message>{inner}</error>")) == "C out; a; b; c"


def test_very_long_inner_messages_are_cut() -> None:
    said = odata.said_by(answer(500, f"<error><message>out</message><message>{'x' * 601}</message></error>"))
    assert said == f"out; {'x' * 599}…"


def test_an_error_without_a_code_or_a_message() -> None:
    assert odata.said_by(answer(500, "<error><code>C</code></error>")) == "C"
    assert odata.said_by(answer(500, "<error><code> C </code><message/></error>")) == "C"
    assert odata.said_by(answer(500, "<error><code>C</code><code>D</code><message>m</message></error>")) == "C m"
    assert odata.said_by(answer(500, "<error><other>x</other></error>")) == "x"


@pytest.mark.parametrize("status", [400, 409, 500])
def test_a_lock_is_told_by_its_number_with_these_statuses_alone(status: int) -> None:
    assert isinstance(odata.error(answer(status, "VMM 2602"), context="x"), Locked)
    assert not isinstance(odata.error(answer(status + 1, "VMM 2602"), context="x"), Locked)
    assert isinstance(odata.error(answer(423, "no number"), context="x"), Locked)
