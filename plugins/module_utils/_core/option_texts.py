# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of a connection option must look like, so that it can be sent; a ValueError never shows the value."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .._deps import httpx, pydantic
from .fields import fitting
from .urls import plain_origin

_URL = re.compile(r"""(?:[^\s\\\x00-\x20\x7f"<>^`{|}%]|%[0-9a-fA-F]{2})+""")
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""


def _header(value: str) -> str:
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise ValueError("must be printable ASCII without white space around it")
    return value


def bearer_token(value: str) -> str:
    """A token as users copy it: with or without `Bearer` before it; ValueError says what is wrong."""
    if value[:1] in ('"', "'") or value[-1:] in ('"', "'"):
        raise ValueError("is in quotes: give the token without them")
    token = re.sub(r"\Abearer( +|\Z)", "", value, flags=re.I)
    if not token:
        raise ValueError("holds nothing but the word Bearer")
    if not _TOKEN.fullmatch(_header(token)):
        raise ValueError("is no token: a token holds no spaces, quotes or braces")
    return token


def _thumbprint(value: str) -> str:
    digits = re.sub(r"[\s:]", "", value).lower()
    if not re.fullmatch(r"[0-9a-f]{40}", digits):
        raise ValueError("must be the certificate's SHA-1 hash, 40 hexadecimal digits")
    return digits


def _segment(value: str) -> str:
    """One segment of a URL's path: dots alone would lead to another path."""
    if not value.strip("."):
        raise ValueError("must not be . or ..")
    return _header(value)


def _password(value: str) -> str:
    # Libraries in C end a text at a NUL, and cryptography's panic would print the password.
    if any(character in value for character in "\0\r\n"):
        raise ValueError("holds a line break or NUL, which no password has; it may come from a file")
    return value


def _path(value: str) -> str:
    if "\0" in value:
        raise ValueError("is no path of a file: it holds a NUL")
    return value


def _user(value: str) -> str:
    if not value.isprintable() or ":" in value:
        raise ValueError("must not hold control characters or a colon, which Basic ends the name with")
    return value


def _service_principal(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*/[^/@:\s]+", value) or not value.isprintable():
        raise ValueError("write it like HTTP/spf.contoso.com; the realm comes from krb5.conf")
    return value


def https_url(value: str) -> str:
    """`value` without its trailing slash and default port, if it is an https URL of nothing but origin and path."""
    plain = value.replace("{subscription_id}", "x")
    try:
        parts = urllib.parse.urlsplit(value)
        has_valid_port = parts.port is None or parts.port > 0  # raises where it is no number
        httpx.URL(value).host.encode("idna")  # raises where it is no host name
    except (ValueError, httpx.InvalidURL):
        raise ValueError("is not a URL") from None
    if parts.scheme == "http":
        raise ValueError("is plain http, and credentials are only sent over https; use https://")
    if "{" in plain or "}" in plain:
        raise ValueError("holds braces, and {subscription_id} is the only placeholder there is; mind its spelling")
    if parts.scheme != "https" or not parts.hostname or not has_valid_port or not _URL.fullmatch(plain):
        raise ValueError("must be an https:// URL")
    if "@" in parts.netloc:
        raise ValueError("must not hold credentials; use the options made for them")
    if "?" in value or "#" in value:
        raise ValueError("must not hold a query or fragment")
    if any(part and not urllib.parse.unquote(part).strip(".") for part in parts.path.split("/")):
        raise ValueError("must not hold . or .. in its path")
    return plain_origin(value.rstrip("/"))


HeaderText = t.Annotated[str, pydantic.Field(min_length=1, max_length=16384), pydantic.AfterValidator(_header)]
BearerToken = t.Annotated[str, pydantic.Field(min_length=1, max_length=16384), pydantic.AfterValidator(bearer_token)]
Password = t.Annotated[str, pydantic.AfterValidator(_password)]
FilePath = t.Annotated[str, pydantic.AfterValidator(_path)]
Thumbprint = t.Annotated[str, pydantic.AfterValidator(_thumbprint)]
Segment = t.Annotated[str, pydantic.Field(min_length=1, max_length=1024), pydantic.AfterValidator(_segment)]
Tenant = t.Annotated[Segment, fitting(_TENANT.fullmatch, "must be a tenant's GUID or one of its domains")]
ServicePrincipal = t.Annotated[str, pydantic.AfterValidator(_service_principal)]
User = t.Annotated[str, pydantic.Field(max_length=1024), pydantic.AfterValidator(_user)]
Https = t.Annotated[str, pydantic.AfterValidator(https_url)]
ApiVersion = t.Annotated[str, fitting(_VERSION.fullmatch, "write it like 2024-06-01 or 2024-06-01-preview")]
