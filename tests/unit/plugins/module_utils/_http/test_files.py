# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that options name: how much is read of them, and the whole line where one cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import files
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.files import LARGEST, read_file

CHECK = "Check the path, and that the user who runs the module may read the file."


def refused(path: str, **more: int) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_file("an_option", path, **more)
    return str(caught.value)


def test_a_file_that_cannot_be_read_is_told_in_whole(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    assert refused(missing) == f"an_option: {missing} cannot be read (no such file or directory). {CHECK}"
    assert refused(str(tmp_path)) == f"an_option: {tmp_path} cannot be read (is a directory). {CHECK}"
    assert refused("/dev/null") == f"an_option: /dev/null cannot be read (no regular file). {CHECK}"
    assert refused("a\0b").startswith("an_option: a")
    assert refused("a\0b").endswith("b is no path of a file.")
    assert refused("~nobody-of-that-name/x") == "an_option: ~nobody-of-that-name/x is no path of a file."


def test_an_error_without_words_of_the_system_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path) -> None:
        raise OSError("of a driver")

    monkeypatch.setattr(files, "open_file", fails)
    assert refused("/a") == f"an_option: /a cannot be read (no file). {CHECK}"


def test_a_file_may_be_so_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"four")
    assert read_file("an_option", str(tmp_path / "file"), 4) == b"four"
    assert refused(str(tmp_path / "file"), largest=3) == f"an_option: {tmp_path}/file is larger than 3 bytes."
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_file("an_option", "~/file") == b"four"
    (tmp_path / "file").write_bytes(bytes(LARGEST))
    assert len(read_file("an_option", str(tmp_path / "file"))) == 1024 * 1024
    (tmp_path / "file").write_bytes(bytes(LARGEST + 1))
    assert refused("~/file") == "an_option: ~/file is larger than 1048576 bytes."


def test_no_more_is_read_than_shows_that_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size)
            return bytes(size or 0)

    monkeypatch.setattr(files, "open_file", lambda _path: Endless())
    assert refused("/a", largest=3) == "an_option: /a is larger than 3 bytes."
    assert asked == [4]


@pytest.mark.parametrize("path", ["/dev/null", "/"])
def test_what_is_no_file_is_closed_again(path: str) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    refused(path)
    assert set(Path("/proc/self/fd").iterdir()) == before
