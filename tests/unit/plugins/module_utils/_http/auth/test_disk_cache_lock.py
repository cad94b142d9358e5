# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a stored token, how long it is waited for, and what else may stand in a file's place."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.disk_cache import DiskCache
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = ("https://login.test", "tenant", "client", "scope")
TOKEN = Token("stored-1", 3600.0)


def cache(home: Path, seconds: float = 600.0) -> DiskCache:
    return DiskCache({"HOME": str(home)}, KEY, Deadline(seconds), lambda: NOW)


def directory(home: Path) -> Path:
    return home / ".cache" / "hybridvm.checkpoints"


def store(home: Path) -> Path:
    """Store a token; its file."""

    async def main() -> None:
        async with cache(home) as opened:
            await opened.store(TOKEN)

    virtual(main)
    (file,) = directory(home).glob("*.json")
    return file


def load(home: Path) -> Token | None:
    async def main() -> Token | None:
        async with cache(home) as opened:
            return await opened.load()

    return virtual(main)


def refused(home: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        load(home)
    return str(caught.value)


def waited(home: Path, *, held: float, seconds: float = 600.0) -> float:
    """How long a process waits for its turn while another one holds the lock for so long."""

    async def holder() -> None:
        async with cache(home):
            await trio.sleep(held)

    async def main() -> float:
        async with trio.open_nursery() as both:
            both.start_soon(holder)
            await trio.testing.wait_all_tasks_blocked()
            begun = trio.current_time()
            async with cache(home, seconds):
                return trio.current_time() - begun

    return virtual(main)


def test_a_process_that_waits_looks_ten_times_a_second(tmp_path: Path) -> None:
    assert waited(tmp_path, held=1.02) == pytest.approx(1.1, abs=0.02)


def test_it_waits_a_minute_and_no_longer_than_its_task(tmp_path: Path) -> None:
    assert waited(tmp_path, held=900.0) == pytest.approx(60.0, abs=0.15)
    assert waited(tmp_path, held=900.0, seconds=5.0) == pytest.approx(5.0, abs=0.15)


def test_a_lock_that_nobody_holds_is_not_waited_for(tmp_path: Path) -> None:
    store(tmp_path)

    async def main() -> float:
        async with cache(tmp_path), cache(tmp_path / "other"):
            return trio.current_time()

    assert virtual(main) == 0.0


def test_a_file_system_without_locks_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlockable(_descriptor: int, how: int) -> None:
        assert how == fcntl.LOCK_EX | fcntl.LOCK_NB
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unlockable)

    async def main() -> tuple[Token | None, float]:
        async with cache(tmp_path) as opened:
            await opened.store(TOKEN)
            return await opened.load(), trio.current_time()

    assert virtual(main) == (TOKEN, 0.0)


def test_the_lock_is_let_go_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with cache(tmp_path) as opened:
            os.fstat(opened._lock)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened._lock)

    virtual(main)


def test_nothing_is_stored_at_first(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    store(tmp_path)
    assert load(tmp_path) == TOKEN


def test_a_directory_that_is_made_on_the_way_is_the_owner_s_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store(tmp_path / "new" / "home")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "home" / ".cache").stat().st_mode) == 0o700


@pytest.mark.parametrize("suffix", ["json", "lock"])
def test_a_directory_in_a_file_s_place_is_told_in_whole(suffix: str, tmp_path: Path) -> None:
    file = store(tmp_path).with_suffix(f".{suffix}")
    file.unlink()
    file.mkdir(mode=0o700)
    assert refused(tmp_path) == (
        f"token_cache: {directory(tmp_path)} cannot be used (is a directory). Let it be written by the user who runs "
        "the module, or leave token_cache out."
    )


@pytest.mark.parametrize("suffix", ["json", "lock"])
def test_a_pipe_in_a_file_s_place_is_told_in_whole_and_keeps_nobody_waiting(suffix: str, tmp_path: Path) -> None:
    file = store(tmp_path).with_suffix(f".{suffix}")
    file.unlink()
    os.mkfifo(file, 0o600)
    assert refused(tmp_path) == f"token_cache: {file} is not what was put there, so it is not used. Delete it."


def open_files(home: Path) -> list[str]:
    """The names of this process's open files in the directory of tokens."""
    paths = [each.resolve() for each in Path("/proc/self/fd").iterdir()]
    return [path.name for path in paths if path.parent == directory(home).resolve()]


@pytest.mark.parametrize("suffix", ["json", "lock"])
@pytest.mark.parametrize("kind", ["open to others", "a pipe", "a directory"])
def test_nothing_stays_open_of_what_is_refused(kind: str, suffix: str, tmp_path: Path) -> None:
    file = store(tmp_path).with_suffix(f".{suffix}")
    if kind == "open to others":
        file.chmod(0o644)
    else:
        file.unlink()
        os.mkfifo(file, 0o600) if kind == "a pipe" else file.mkdir()
    refused(tmp_path)
    assert open_files(tmp_path) == []


def test_nothing_stays_open_of_a_task_that_ends_while_it_waits(tmp_path: Path) -> None:
    async def main() -> list[str]:
        async with cache(tmp_path):
            with trio.move_on_after(1.0):
                async with cache(tmp_path):
                    pytest.fail("the lock was held")
            return open_files(tmp_path)

    (held,) = virtual(main)
    assert held.endswith(".lock")
    assert open_files(tmp_path) == []


def test_a_link_in_the_directory_s_place_is_told_in_whole(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place = directory(tmp_path)
    place.symlink_to(tmp_path / "elsewhere")
    assert refused(tmp_path) == (
        f"token_cache: {place} is not what was put there, so it is not used. Delete {place}; it is made anew with mode "
        "700."
    )


def test_an_error_without_words_is_told_in_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_self: Path, _target: Path) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(InvalidInput) as caught:
        store(tmp_path)
    assert str(caught.value) == (
        f"token_cache: {directory(tmp_path)} cannot be used (failed). Let it be written by the user who runs the "
        "module, or leave token_cache out."
    )
    assert [file.suffix for file in directory(tmp_path).iterdir()] == [".lock"]


def test_a_part_of_a_file_that_is_gone_leaves_the_error_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Path, _target: Path) -> None:
        self.unlink()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(InvalidInput) as caught:
        store(tmp_path)
    assert caught.value.message == f"token_cache: {directory(tmp_path)} cannot be used (input/output error)."


def test_a_part_of_a_file_is_called_by_chance_and_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    real = Path.replace

    def recorded(self: Path, target: Path) -> Path:
        seen.append((self.name.removeprefix(target.name), stat.S_IMODE(self.stat().st_mode)))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", recorded)
    before = os.umask(0)
    try:
        for _task in range(2):
            store(tmp_path)
    finally:
        os.umask(before)
    names = [name for name, _mode in seen]
    assert [(len(name), name[0]) for name in names] == [(17, ".")] * 2
    assert [mode for _name, mode in seen] == [0o600] * 2
    assert names[0] != names[1]


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, '{"key": [], "access_token": "x", "expires_on": 1' + "0" * 400 + "}", '{"key": []}', "7", "\xff"],
)
def test_what_no_release_has_stored_is_passed_over(content: str, tmp_path: Path) -> None:
    store(tmp_path).write_text(content, "latin-1")
    assert load(tmp_path) is None


@pytest.mark.parametrize(("before", "found"), [(0, True), (1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_how_large_a_stored_file_may_be(before: int, found: bool, tmp_path: Path) -> None:
    file = store(tmp_path)
    file.write_text(file.read_text().rjust(before))
    assert load(tmp_path) == (TOKEN if found else None)


def test_what_is_stored_and_how_long_it_serves(tmp_path: Path) -> None:
    file = store(tmp_path)
    content: dict[str, Any] = json.loads(file.read_text())
    assert content == {"key": list(KEY), "access_token": "stored-1", "expires_on": NOW.timestamp() + 3600}
    for left, found in ((300.0, None), (300.5, Token("stored-1", 300.5))):
        file.write_text(json.dumps({**content, "expires_on": NOW.timestamp() + left}))
        assert load(tmp_path) == found


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HOME": "/h"}, "/h/.cache/hybridvm.checkpoints"),
        ({"HOME": "/h", "XDG_CACHE_HOME": ""}, "/h/.cache/hybridvm.checkpoints"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "rel"}, "/h/.cache/hybridvm.checkpoints"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/xdg"}, "/xdg/hybridvm.checkpoints"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/hybridvm.checkpoints"),
        ({"HOME": "", "XDG_CACHE_HOME": "rel"}, None),
        ({"HOME": ""}, None),
        ({"XDG_CACHE_HOME": "rel"}, None),
    ],
)
def test_where_tokens_are_stored(environ: dict[str, str], place: str | None) -> None:
    async def main() -> str:
        return str(DiskCache(environ, KEY, Deadline(600), lambda: NOW)._directory)

    if place is None:
        with pytest.raises(InvalidInput, match="neither HOME nor XDG_CACHE_HOME is set"):
            virtual(main)
    else:
        assert virtual(main) == place
