# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ready token says of its own time, and a file of one that another program renews."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import TokenFile, check_times
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.files import open_file

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
AT = NOW.timestamp()
EXPIRED = "x expired at 2026-11-26 12:24Z. Get a new one, or use credentials that can be renewed."
EARLY = "x is not valid before 2026-11-26 12:35Z; here it is 2026-11-26 12:30Z. Check this machine's clock."


def encoded(claims: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def told(token: str) -> str | None:
    try:
        check_times("x", token, NOW)
    except InvalidInput as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("claims", "line"),
    [
        ({"exp": AT - 301}, EXPIRED),
        ({"exp": str(AT - 301)}, EXPIRED),
        ({"exp": AT - 301, "nbf": AT - 9999}, EXPIRED),
        ({"exp": AT - 301, "nbf": AT + 301}, EXPIRED),
        ({"exp": AT - 300, "nbf": AT - 9999}, None),
        ({"exp": AT - 299}, None),
        ({"nbf": AT + 301}, EARLY),
        ({"nbf": AT + 301, "exp": AT + 9999}, EARLY),
        ({"nbf": AT + 300, "exp": AT + 9999}, None),
        ({"nbf": AT + 299}, None),
        ({"exp": 0, "nbf": None}, None),
        ({"expires": AT - 9999}, None),
        ({"exp": [1]}, None),
        ({"exp": 1e17, "nbf": AT + 301}, None),
        ({"exp": 1e15, "nbf": AT + 301}, None),
        ({"exp": 1e19, "nbf": AT + 301}, None),
    ],
)
def test_each_time_of_a_token_is_one_whole_line(claims: Any, line: str | None) -> None:
    assert told(f"e30.{encoded(claims)}.sig") == line


def test_a_token_of_any_length_is_read() -> None:
    for more in range(15):
        assert told(f"e30.{encoded({'exp': AT - 301, 'a': 'b' * more})}.sig") == EXPIRED


@pytest.mark.parametrize(
    "token",
    [
        f"e30.{encoded({'exp': 1})}",
        f"e30.{encoded({'exp': 1})}.key.text.tag",
        f"{encoded({'exp': 1})}.e30.sig",
        f"e30.e30.{encoded({'exp': 1})}",
        f"e30.{encoded(['exp'])}.sig",
        "e30." + base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=") + ".sig",
    ],
)
def test_what_is_no_signed_token_is_left_to_the_service(token: str) -> None:
    assert told(token) is None


class Renewed:
    """A file of a token, and what reads it for one task."""

    def __init__(self, file: Path, patch: pytest.MonkeyPatch) -> None:
        self.file, self.opened = file, 0
        self.auth = TokenFile(str(file), Redactor(), lambda: NOW)

        def counted(path: Path) -> Any:
            self.opened += 1
            return open_file(path)

        patch.setattr(bearer, "open_file", counted)

    def write(self, token: str, *, moment: int = 1_000_000_000) -> None:
        """In its place, with that time of change."""
        with self.file.open("w") as stream:
            stream.write(token)
        os.utime(self.file, ns=(moment, moment))

    def read(self) -> str:
        """The Authorization that the next request has."""
        _finish(self.auth.ready())
        return self.auth._token


def _finish(coroutine: Any) -> Any:
    """The result of what awaits nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


@pytest.fixture
def renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renewed:
    made = Renewed(tmp_path / "token", monkeypatch)
    made.write("first")
    assert made.read() == "first"
    return made


def test_a_file_that_has_not_changed_is_not_opened_again(renewed: Renewed) -> None:
    assert [renewed.read(), renewed.read(), renewed.opened] == ["first", "first", 1]
    assert (renewed.auth.way, renewed.auth.signer) == ("bearer", "the token given as spf_token_file")


def test_a_file_of_another_time_is_read_again(renewed: Renewed) -> None:
    renewed.write("other", moment=2_000_000_000)
    assert [renewed.read(), renewed.read(), renewed.opened] == ["other", "other", 2]


def test_a_file_of_another_size_is_read_again(renewed: Renewed) -> None:
    renewed.write("longer")
    assert [renewed.read(), renewed.opened] == ["longer", 2]


def test_another_file_in_its_place_is_read_again(renewed: Renewed) -> None:
    beside = renewed.file.with_name("beside")
    beside.write_text("other")
    os.utime(beside, ns=(1_000_000_000, 1_000_000_000))
    beside.replace(renewed.file)
    assert [renewed.read(), renewed.opened] == ["other", 2]


def test_a_refusal_reads_the_file_whatever_its_time(renewed: Renewed) -> None:
    assert _finish(renewed.auth.renew("Bearer first")) is False
    assert _finish(renewed.auth.renew("Bearer before")) is True
    renewed.write("other")
    assert [renewed.read(), renewed.opened] == ["first", 3]
    assert _finish(renewed.auth.renew("Bearer first")) is True
    assert renewed.read() == "other"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(), "cannot be read (no file)"),
        (PermissionError(13, "Permission denied"), "cannot be read (permission denied)"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_whole(
    error: OSError, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("first")

    def failing(_path: Path) -> Any:
        raise error

    monkeypatch.setattr(bearer, "open_file", failing)
    with pytest.raises(InvalidInput) as caught:
        _finish(TokenFile(str(file), Redactor(), lambda: NOW).ready())
    assert str(caught.value) == (
        f"spf_token_file: {file} {why}. Give a file that this user may read and that holds a token."
    )


def test_a_path_that_no_file_can_have_is_told_in_whole() -> None:
    with pytest.raises(InvalidInput) as caught:
        _finish(TokenFile("a\0b", Redactor(), lambda: NOW).ready())
    assert str(caught.value).endswith(
        "cannot be read (no ASCII text). Give a file that this user may read and that holds a token."
    )


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfe30.e30.x\r\n", b"\xef\xbb\xbf Bearer e30.e30.x"])
def test_a_byte_order_mark_is_no_part_of_the_token(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    auth = TokenFile(str(file), Redactor(), lambda: NOW)
    _finish(auth.ready())
    assert auth._token == "e30.e30.x"


def test_a_token_out_of_its_time_is_not_taken_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    token = f"e30.{encoded({'exp': AT - 301})}.sig"
    file.write_text(token)
    redactor = Redactor()
    auth = TokenFile(str(file), redactor, lambda: NOW)
    for _vm in range(2):
        with pytest.raises(InvalidInput) as caught:
            _finish(auth.ready())
        assert str(caught.value) == (
            f"spf_token_file: the token in {file} expired at 2026-11-26 12:24Z. Get a new one, or use credentials that "
            "can be renewed."
        )
    assert redactor.redact_result(token) == MASK


def test_who_signs_with_the_token_of_a_file(tmp_path: Path) -> None:
    made = TokenFile(str(tmp_path / "token"), Redactor(), lambda: NOW)
    assert (made.way, made.signer) == ("bearer", "the token given as spf_token_file")
