# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of connection options: each rule by what just passes it and what just does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import option_texts
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.option_texts import bearer_token, https_url
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import explain

SPN = "write it like HTTP/spf.contoso.com; the realm comes from krb5.conf"


@pytest.mark.parametrize("token", ['"e30', 'e30"', "'e30", "e30'", '"', "'"])
def test_a_token_with_a_quote_at_either_end_is_in_quotes(token: str) -> None:
    with pytest.raises(ValueError, match="is in quotes: give the token without them"):
        bearer_token(token)


@pytest.mark.parametrize("token", ["e'30", 'e"30', "e 30", "{e30}", "e30;"])
def test_a_token_with_anything_else_in_it_is_none(token: str) -> None:
    with pytest.raises(ValueError, match="is no token: a token holds no spaces, quotes or braces"):
        bearer_token(token)


@pytest.mark.parametrize(
    ("token", "kept"),
    [("BEARER e30", "e30"), ("Bearer", None), ("bearere30", "bearere30"), ("a.b-c_d~e+f/g==", "a.b-c_d~e+f/g==")],
)
def test_the_word_bearer_is_no_part_of_a_token(token: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(ValueError, match="holds nothing but the word Bearer"):
            bearer_token(token)
    else:
        assert bearer_token(token) == kept


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("HTTP://h", "is plain http, and credentials are only sent over https; use https://"),
        ("https://h/{sub}", "holds braces, and {subscription_id} is the only placeholder there is; mind its spelling"),
        ("https://h/x}", "holds braces, and {subscription_id} is the only placeholder there is; mind its spelling"),
        ("https://h/{x", "holds braces, and {subscription_id} is the only placeholder there is; mind its spelling"),
        ("https://h/{", "holds braces, and {subscription_id} is the only placeholder there is; mind its spelling"),
        (f"https://{'a' * 64}.test", "is not a URL"),
        ("https://a..b", "is not a URL"),
        ("https://h:0", "must be an https:// URL"),
        ("https://h/%zz", "must be an https:// URL"),
        ("https://u@h", "must not hold credentials; use the options made for them"),
        ("https://h/a?b", "must not hold a query or fragment"),
        ("https://h/a#b", "must not hold a query or fragment"),
        ("https://h/a/.../b", "must not hold . or .. in its path"),
    ],
)
def test_what_is_wrong_with_a_url_is_told_in_whole(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(told)}\Z"):
        https_url(url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{'a' * 63}.test",
        "https://h:1",
        "https://h:65535/x",
        "https://h/a.b/.c/%20x",
        "https://h/{subscription_id}/y",
    ],
)
def test_what_just_passes(url: str) -> None:
    assert https_url(url) == url


def _option(kind: Any) -> Callable[[str], object]:
    """An option's own type, with what its error says."""

    def check(value: str) -> object:
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            raise ValueError(explain(error)) from None

    return check


@pytest.mark.parametrize(
    ("check", "value", "told"),
    [
        (_option(option_texts.ApiVersion), "2024-6-01", "write it like 2024-06-01 or 2024-06-01-preview"),
        (option_texts._header, "a\x7f", "must be printable ASCII without white space around it"),
        (option_texts._header, "a ", "must be printable ASCII without white space around it"),
        (option_texts._thumbprint, "g" * 40, "must be the certificate's SHA-1 hash, 40 hexadecimal digits"),
        (option_texts._thumbprint, "a" * 41, "must be the certificate's SHA-1 hash, 40 hexadecimal digits"),
        (option_texts._segment, "...", "must not be . or .."),
        (option_texts._segment, " a", "must be printable ASCII without white space around it"),
        (_option(option_texts.Tenant), "-a", "must be a tenant's GUID or one of its domains"),
        (option_texts._password, "a\rb", "holds a line break or NUL, which no password has; it may come from a file"),
        (option_texts._password, "a\nb", "holds a line break or NUL, which no password has; it may come from a file"),
        (option_texts._password, "a\0b", "holds a line break or NUL, which no password has; it may come from a file"),
        (option_texts._path, "a\0b", "is no path of a file: it holds a NUL"),
        (option_texts._user, "a\tb", "must not hold control characters or a colon, which Basic ends the name with"),
        (option_texts._user, "a:b", "must not hold control characters or a colon, which Basic ends the name with"),
        (option_texts._service_principal, "HTTP/a\x07", SPN),
        (option_texts._service_principal, "HTTP/a/b", SPN),
    ],
)  # fmt: skip
def test_what_is_wrong_with_another_text_is_told_in_whole(check: object, value: str, told: str) -> None:
    assert callable(check)
    with pytest.raises(ValueError, match=rf"\A{re.escape(told)}\Z"):
        check(value)


def test_a_thumbprint_is_kept_in_small_letters_without_what_tools_put_between() -> None:
    assert option_texts._thumbprint(" AB:CD" * 10) == "abcd" * 10
