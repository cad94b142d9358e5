# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why there is no Kerberos ticket: numbers of krb5.h and words of the libraries, each with its meaning and remedy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
    SignInRefused,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos_errors import (
    Identity,
    NotPossible,
    explain,
)

WHO = Identity("svc@REALM", "password", host="spf.test")
BASE = -1765328384
"""krb5.h: where the numbers of the KDC's own errors begin."""
MEANT: dict[str, tuple[type[CheckpointError], str, tuple[int, ...], tuple[str, ...]]] = {
    "wrong password": (
        SignInRefused,
        "the password or key is wrong (KDC_ERR_PREAUTH_FAILED)",
        (BASE + 24, BASE + 31, -1765328174),
        ("Preauthentication failed", "Password incorrect while getting", "Decrypt integrity check failed"),
    ),
    "no such user": (SignInRefused, "Kerberos does not know svc@REALM", (BASE + 6,), ()),
    "no such service": (
        SignInRefused,
        "Kerberos does not know the service HTTP/spf.test",
        (BASE + 7,),
        ("Server not found in Kerberos database",),
    ),
    "locked": (SignInRefused, "the account is disabled or locked", (BASE + 18,), ()),
    "expired password": (SignInRefused, "the password has expired", (BASE + 23,), ()),
    "expired ticket": (
        SignInRefused,
        "the Kerberos ticket has expired",
        (BASE + 32,),
        ("Ticket expired", "The referenced credential has expired"),
    ),
    "skew": (
        SignInRefused,
        "this machine's clock and the KDC's differ too much",
        (BASE + 37,),
        ("Clock skew too great",),
    ),
    "no KDC": (
        Unreachable,
        "no KDC could be reached for svc@REALM: ",
        (-1765328230, -1765328228, -1765328167, -1765328164, -1765328160),
        ("Cannot contact any KDC for realm", "Cannot find KDC for realm", "Cannot determine realm for numeric host"),
    ),
    "no ticket": (
        InvalidInput,
        "there is no Kerberos ticket (KRB5CCNAME)",
        (-1765328245, -1765328243, -1765328242, -1765328190, -1765328189, -1765328185),
        ("No credentials cache found", "No Kerberos credentials available", "Bad format in credentials cache"),
    ),
    "keytab": (
        InvalidInput,
        "cannot be read, or has no key for svc@REALM",
        (-1765328205, -1765328203, -1765328202, 2, 13),
        ("Keytab contains no suitable keys",),
    ),
    "other": (SignInRefused, "Kerberos failed for svc@REALM and HTTP/spf.test: ", (1,), ("Something else",)),
}
FINAL = {"wrong password", "locked", "expired password", "skew", "keytab"}


def _who(name: str) -> Identity:
    return Identity("svc@REALM", keytab="/k", host="spf.test") if name == "keytab" else WHO


def _meant(name: str, problem: Exception) -> None:
    kind, said, _codes, _words = MEANT[name]
    assert isinstance(problem, NotPossible) is (name not in FINAL)
    error = problem.error if isinstance(problem, NotPossible) else problem
    assert isinstance(error, CheckpointError)
    assert error.__class__ is kind
    assert said in error.message
    assert (bool(error.remedy), error.changed_nothing) == (True, True)
    if isinstance(problem, NotPossible):
        assert problem.expired is (name == "expired ticket")


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, row in MEANT.items() for code in row[2]])
def test_a_number(name: str, code: int) -> None:
    who = _who(name)
    _meant(name, explain(code, "", who))
    if name != "other":
        _meant(name, explain(code, "Clock skew too great", who))


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, row in MEANT.items() for words in row[3]])
def test_words_where_the_number_says_nothing(name: str, words: str) -> None:
    _meant(name, explain(0, words, _who(name)))


@pytest.mark.parametrize(
    ("who", "whose", "source"),
    [
        (WHO, "svc@REALM", "spf_password"),
        (Identity("svc", "password", "/k"), "svc", "spf_keytab"),
        (Identity(), "the ticket", "KRB5CCNAME"),
    ],
)
def test_the_error_names_who_and_where_from(who: Identity, whose: str, source: str) -> None:
    error = explain(BASE + 24, "", who)
    assert isinstance(error, SignInRefused)
    assert error.message.startswith(f"Kerberos refused {whose}: ")
    assert error.remedy == f"Check spf_username and {source}."


def test_the_library_s_words_are_shown_in_short() -> None:
    problem = explain(0, "w" * 999, WHO)
    assert isinstance(problem, NotPossible)
    assert problem.error.message.endswith(f": {'w' * 299}….")


class _SpnegoError(Exception):
    def __init__(self, base_error: Any) -> None:
        super().__init__()
        self.base_error = base_error


@pytest.mark.parametrize(
    ("base", "number"),
    [
        (SimpleNamespace(min_code=5), 5),
        (SimpleNamespace(err_code=BASE), BASE),
        (SimpleNamespace(min_code=BASE + (1 << 32)), BASE),
        (SimpleNamespace(min_code=1 << 31), 1 << 31),
        (SimpleNamespace(min_code=(1 << 31) + 1), 1 - (1 << 31)),
        (SimpleNamespace(min_code=(1 << 30) + 1), (1 << 30) + 1),
        (SimpleNamespace(min_code=None, err_code=7), 7),
        (SimpleNamespace(min_code=6, err_code=7), 6),
        (SimpleNamespace(min_code="5"), 0),
        (SimpleNamespace(), 0),
        (None, 0),
    ],
)
def test_the_mechanism_s_number_in_an_error(base: Any, number: int) -> None:
    assert kerberos.minor_of(_SpnegoError(base)) == number


class _Krb5Error(Exception):
    err_code = BASE


@pytest.mark.parametrize("base", [None, SimpleNamespace(), SimpleNamespace(min_code="5")])
def test_the_number_of_what_an_error_came_from_counts_where_its_own_base_has_none(base: Any) -> None:
    error = _SpnegoError(base)
    error.__cause__ = _Krb5Error()
    assert kerberos.minor_of(error) == BASE
