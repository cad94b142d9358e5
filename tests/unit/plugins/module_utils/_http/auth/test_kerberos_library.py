# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Kerberos libraries are asked for, call by call; a real KDC answers in tests/contract/sign_in."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import spnego
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos, kerberos_errors
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos_errors import Identity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

MEMORY = SimpleNamespace(name=b"7", cache_type=b"MEMORY")
GRANTED = SimpleNamespace(client="the client")
ANSWERS: dict[str, Any] = {
    "init_context": "context",
    "parse_name_flags": "principal",
    "get_init_creds_opt_alloc": "options",
    "get_init_creds_password": GRANTED,
    "get_init_creds_keytab": GRANTED,
    "kt_resolve": "keytab",
    "cc_new_unique": MEMORY,
}
BEGINS = [
    ("init_context",),
    ("parse_name_flags", "context", b"svc@SIM.TEST"),
    ("get_init_creds_opt_alloc", "context"),
    ("get_init_creds_opt_set_canonicalize", "options", True),
]
ENDS = [
    ("cc_new_unique", "context", b"MEMORY"),
    ("cc_initialize", "context", MEMORY, "the client"),
    ("cc_store_cred", "context", MEMORY, GRANTED),
]


class Krb5Error(Exception):
    """What the library raises, with a number of krb5.h."""

    def __init__(self, number: int, words: str = "") -> None:
        super().__init__(words)
        self.err_code = number


class Library:
    """Remembers each call and its arguments; answers as told, or raises it."""

    Krb5Error = Krb5Error

    def __init__(self, **answers: Any) -> None:
        self.calls: list[Any] = []
        self._answers = {**ANSWERS, **answers}

    def __getattr__(self, name: str) -> Any:
        def called(*given: Any, **named: Any) -> Any:
            self.calls.append((name, *given, *([named] if named else [])))
            answer = self._answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return called


def tickets_of(who: Identity) -> kerberos.Tickets:
    async def main() -> kerberos.Tickets:
        return kerberos.Tickets(who)

    return virtual(main)


def acquired(monkeypatch: pytest.MonkeyPatch, library: Library, who: Identity) -> tuple[str, Any]:
    """Where the ticket is, and the handle that is kept."""
    monkeypatch.setattr(kerberos, "krb5", lambda: library)
    tickets = tickets_of(who)
    return tickets._acquire(), tickets._held


def test_a_ticket_for_a_password_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    assert acquired(monkeypatch, library, Identity("svc@SIM.TEST", "S3crét")) == ("MEMORY:7", MEMORY)
    asked = ("get_init_creds_password", "context", "principal", "options", {"password": b"S3cr\xc3\xa9t"})
    assert library.calls == [*BEGINS, asked, *ENDS]


@pytest.mark.parametrize("password", ["", "S3cret"])
@pytest.mark.parametrize("prefix", ["", "FILE:"])
def test_a_ticket_for_a_keytab_comes_before_one_for_a_password(
    prefix: str, password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, file = Library(), tmp_path / "svc.keytab"
    file.touch()
    who = Identity("svc@SIM.TEST", password, f"{prefix}{file}")
    assert acquired(monkeypatch, library, who) == ("MEMORY:7", MEMORY)
    asked = [
        ("kt_resolve", "context", f"{prefix}{file}".encode()),
        ("kt_get_entry", "context", "keytab", "principal"),
        ("get_init_creds_keytab", "context", "principal", "options", {"keytab": "keytab"}),
    ]
    assert library.calls == [*BEGINS, *asked, *ENDS]


@pytest.mark.parametrize(("kind", "place"), [(b"KCM", "KCM:1000"), (None, "FILE:1000"), (b"", "FILE:1000")])
def test_a_ticket_that_is_there_is_used_where_it_is(
    kind: bytes | None, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = SimpleNamespace(name=b"1000", cache_type=kind)
    library = Library(cc_default=cache)
    assert acquired(monkeypatch, library, Identity("svc@SIM.TEST")) == (place, cache)
    assert library.calls == [("init_context",), ("cc_default", "context"), ("cc_get_principal", "context", cache)]


def refused(monkeypatch: pytest.MonkeyPatch, library: Library, who: Identity) -> str:
    with pytest.raises((kerberos_errors.NotPossible, InvalidInput)) as caught:
        acquired(monkeypatch, library, who)
    return str(caught.value)


def test_without_a_ticket_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(cc_get_principal=Krb5Error(-1765328189, "No credentials cache found"))
    assert refused(monkeypatch, library, Identity()) == (
        "spf_auth: there is no Kerberos ticket (KRB5CCNAME), and neither spf_password nor spf_keytab was given. "
        "Nothing was changed. Run kinit, or give spf_username with spf_password or spf_keytab."
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            Krb5Error(-1765328228, "no KDC"),
            "no KDC could be reached for svc@SIM.TEST: no KDC. Nothing was sent. Check krb5.conf (KRB5_CONFIG), DNS "
            "and port 88, or set spf_auth: ntlm.",
        ),
        (
            OSError("no words"),
            "Kerberos failed for svc@SIM.TEST and HTTP/h: no words. Nothing was changed. Check krb5.conf, spf_username "
            "and spf_service_principal, or set spf_auth: ntlm.",
        ),
    ],
)
def test_what_the_library_cannot_do_is_told_in_whole(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(get_init_creds_password=error)
    assert refused(monkeypatch, library, Identity("svc@SIM.TEST", "S3cret", host="h")) == told


@pytest.mark.parametrize("missing", ["the file", "the key"])
def test_a_missing_file_or_key_is_told_before_the_kdc_is_asked(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "svc.kt"  # no word in the path says what it is: the number does
    library = Library(kt_get_entry=Krb5Error(-1765328203))
    if missing == "the key":
        file.touch()
    assert refused(monkeypatch, library, Identity("svc@SIM.TEST", keytab=str(file))) == (
        f"spf_keytab: {file} cannot be read, or has no key for svc@SIM.TEST. Nothing was changed. Give a keytab that "
        "this user may read, and its principal as spf_username (klist -k shows it)."
    )
    assert "get_init_creds_keytab" not in [call[0] for call in library.calls]


@pytest.mark.parametrize("library", ["krb5", "spnego"])
@pytest.mark.parametrize("error", [ImportError("no such module"), OSError("no such module")])
def test_a_library_that_is_missing_is_told_in_whole(
    error: Exception, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise error

    monkeypatch.setattr(kerberos, "krb5", Library)
    monkeypatch.setattr(kerberos, library, missing)
    monkeypatch.setattr(sys, "executable", "/bin/py")
    with pytest.raises(kerberos_errors.NotPossible) as caught:
        tickets_of(Identity())._acquire()
    assert str(caught.value) == (
        "Kerberos needs the Python package pyspnego[kerberos] for the Python that runs the module, /bin/py: no such "
        "module. Install it: /bin/py -m pip install 'pyspnego[kerberos]' (it needs the system's Kerberos libraries). "
        "Or set spf_auth: ntlm with spf_username and spf_password."
    )
    assert caught.value.expired is False


class Spnego:
    """pyspnego as far as a context for a request needs it."""

    exceptions = spnego.exceptions

    def __init__(self, problem: Exception | None = None) -> None:
        self.given: list[Any] = []
        self._problem = problem

    def KerberosCCache(self, cache: str) -> str:
        return f"the ticket in {cache}"

    def client(self, *given: Any, **named: Any) -> Spnego:
        self.given += [*given, named]
        return self

    def step(self) -> bytes:
        if self._problem is not None:
            raise self._problem
        return b"token"


def test_a_context_is_for_the_server_and_bound_to_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Spnego()
    monkeypatch.setattr(kerberos, "spnego", lambda: library)
    tickets = tickets_of(Identity("svc", service="HOST", host="spf.test"))
    assert tickets._begin("MEMORY:7", "bindings") == (library, b"token")
    assert library.given == [
        "the ticket in MEMORY:7",
        {"hostname": "spf.test", "service": "HOST", "channel_bindings": "bindings", "protocol": "negotiate"},
    ]


def test_why_there_is_no_context_is_told_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = spnego.exceptions.SpnegoError(error_code=1, context_msg="x")
    problem.base_error = Krb5Error(-1765328377)
    monkeypatch.setattr(kerberos, "spnego", lambda: Spnego(problem))
    with pytest.raises(kerberos_errors.NotPossible) as caught:
        tickets_of(Identity("svc", host="spf.test"))._begin("MEMORY:7", None)
    assert str(caught.value) == (
        "Kerberos does not know the service HTTP/spf.test (KDC_ERR_S_PRINCIPAL_UNKNOWN). Nothing was changed. Set "
        "spf_service_principal to the SPN that is registered (setspn -L), or have this one registered."
    )


def test_a_kdc_that_does_not_answer_keeps_no_task_from_its_end() -> None:
    answered, ended = threading.Event(), []

    async def main() -> None:
        with trio.CancelScope() as scope:

            def ask(given: str) -> None:
                anyio.from_thread.run_sync(scope.cancel)
                answered.wait(1.0)
                ended.append(given)

            await kerberos._in_thread(ask, "given")
        assert ended == []
        answered.set()

    trio.run(main)
