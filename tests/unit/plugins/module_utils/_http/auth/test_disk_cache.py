# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens on disk: for the owner's eyes, whole or not at all, one fetch for many forks, and no secret."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.disk_cache import DiskCache
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token, TokenAuth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = ("https://login.test", "tenant", "client", "scope")


class Source(TokenAuth):
    """A way to sign in that counts."""

    def __init__(self) -> None:
        super().__init__(Redactor())
        self.count = 0

    async def fetch(self, claims: str | None) -> Token:
        self.count += 1
        return Token(f"token-{self.count}", 3600.0)


def cache(home: Path, key: tuple[str, ...] = KEY, now: datetime = NOW) -> DiskCache:
    return DiskCache({"HOME": str(home)}, key, Deadline(600), lambda: now)


def signed_in(home: Path, key: tuple[str, ...] = KEY, now: datetime = NOW) -> tuple[str | None, int]:
    """The token of a new process, and how often it was fetched there."""

    async def main() -> tuple[str | None, int]:
        source = Source()
        source.cache = cache(home, key, now)
        await source.ready()
        return source._token, source.count

    return virtual(main)


def directory(home: Path) -> Path:
    return home / ".cache" / "hybridvm.checkpoints"


def stored(home: Path) -> list[Path]:
    return sorted(directory(home).glob("*.json"))


def test_the_next_task_finds_the_token(tmp_path: Path) -> None:
    assert signed_in(tmp_path) == ("token-1", 1)
    assert signed_in(tmp_path) == ("token-1", 0)
    (file,) = stored(tmp_path)
    assert json.loads(file.read_text()) == {
        "key": list(KEY),
        "access_token": "token-1",
        "expires_on": NOW.timestamp() + 3600,
    }


def test_directory_and_files_are_the_owner_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        signed_in(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory(tmp_path).stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory(tmp_path).iterdir()} == {0o600}


def test_xdg_s_directory_is_used_where_it_is_set(tmp_path: Path) -> None:
    async def main() -> None:
        async with DiskCache({"XDG_CACHE_HOME": str(tmp_path)}, KEY, Deadline(600), lambda: NOW) as opened:
            await opened.store(Token("t", 3600.0))

    virtual(main)
    assert list((tmp_path / "hybridvm.checkpoints").glob("*.json"))


def test_a_relative_directory_of_xdg_s_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As its specification has it; the working directory may be a repository."""
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        environ = {"XDG_CACHE_HOME": "here", "HOME": str(tmp_path / "home")}
        async with DiskCache(environ, KEY, Deadline(600), lambda: NOW) as opened:
            await opened.store(Token("t", 3600.0))

    virtual(main)
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("position", range(4))
def test_another_authority_tenant_client_or_scope_has_a_token_of_its_own(position: int, tmp_path: Path) -> None:
    signed_in(tmp_path)
    other = tuple("other" if each == position else part for each, part in enumerate(KEY))
    assert signed_in(tmp_path, other)[1] == 1
    assert len(stored(tmp_path)) == 2


@pytest.mark.parametrize(("seconds", "fetched"), [(3000, 0), (3400, 1), (4000, 1)])
def test_a_token_that_ends_soon_is_replaced(seconds: int, fetched: int, tmp_path: Path) -> None:
    signed_in(tmp_path)
    later = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)
    assert signed_in(tmp_path, now=later)[1] == fetched


@pytest.mark.parametrize("content", ["", "x", "[]", "{}", '{"key": 1}', "null"])
def test_a_damaged_file_is_replaced(content: str, tmp_path: Path) -> None:
    signed_in(tmp_path)
    stored(tmp_path)[0].write_text(content)
    assert signed_in(tmp_path)[1] == 1
    assert signed_in(tmp_path)[1] == 0


def test_a_stored_token_that_the_service_refuses_is_replaced(tmp_path: Path) -> None:
    signed_in(tmp_path)

    async def main() -> tuple[bool, str | None, int]:
        source = Source()
        source.count = 10
        source.cache = cache(tmp_path)
        await source.ready()
        renewed = await source.renew("Bearer token-1")
        await source.ready()
        return renewed, source._token, source.count

    assert virtual(main) == (True, "token-11", 11)
    assert signed_in(tmp_path) == ("token-11", 0)


def refused(home: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        signed_in(home)
    return str(caught.value)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_is_open_to_others_is_refused_and_stays_so(mode: int, tmp_path: Path) -> None:
    directory(tmp_path).mkdir(parents=True)
    directory(tmp_path).chmod(mode)
    assert f"is open to other users (mode {mode:04o}), so it is not used. Delete" in refused(tmp_path)
    assert stat.S_IMODE(directory(tmp_path).stat().st_mode) == mode


@pytest.mark.parametrize("suffix", ["json", "lock"])
@pytest.mark.parametrize("mode", [0o644, 0o620])
def test_a_file_that_is_open_to_others_is_refused(suffix: str, mode: int, tmp_path: Path) -> None:
    signed_in(tmp_path)
    (file,) = directory(tmp_path).glob(f"*.{suffix}")
    file.chmod(mode)
    text = refused(tmp_path)
    assert text == f"token_cache: {file} is open to other users (mode {mode:04o}), so it is not used. Delete it."


def test_what_belongs_to_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert "belongs to another user (uid" in refused(tmp_path)


@pytest.mark.parametrize("suffix", ["json", "lock"])
def test_a_link_is_not_followed(suffix: str, tmp_path: Path) -> None:
    signed_in(tmp_path)
    (file,) = directory(tmp_path).glob(f"*.{suffix}")
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert "cannot be used (" in refused(tmp_path)


def test_a_link_in_the_directory_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    directory(tmp_path).symlink_to(tmp_path / "elsewhere")
    assert "is not what was put there" in refused(tmp_path)


def test_a_disk_that_is_full_is_reported_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "cannot be used (no space left on device)" in refused(tmp_path)
    assert [file.suffix for file in directory(tmp_path).iterdir()] == [".lock"]


def test_without_a_home_there_is_no_cache() -> None:
    with pytest.raises(InvalidInput, match="neither HOME nor XDG_CACHE_HOME is set"):
        virtual(_homeless)


async def _homeless() -> None:
    DiskCache({}, KEY, Deadline(600), lambda: NOW)


def test_a_process_that_holds_the_lock_too_long_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def main() -> float:
        async with cache(tmp_path):
            source = Source()
            source.cache = cache(tmp_path)
            begun = trio.current_time()
            await source.ready()
            return trio.current_time() - begun

    assert 59 < virtual(main) < 62


def test_what_is_refused_is_told_in_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput) as homeless:
        virtual(_homeless)
    assert str(homeless.value) == "token_cache: neither HOME nor XDG_CACHE_HOME is set. Set HOME."
    signed_in(tmp_path)
    place = directory(tmp_path)
    place.chmod(0o755)
    assert refused(tmp_path) == (
        f"token_cache: {place} is open to other users (mode 0755), so it is not used. Delete {place}; it is made anew "
        "with mode 700."
    )
    place.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert refused(tmp_path) == (
        f"token_cache: {place} belongs to another user (uid {os.getuid()}), so it is not used. Delete {place}; it is "
        "made anew with mode 700."
    )


def test_a_cache_that_cannot_be_made_is_told_in_whole(tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("in the way")
    assert refused(tmp_path) == (
        f"token_cache: {directory(tmp_path)} cannot be used (file exists). Let it be written by the user who runs the "
        "module, or leave token_cache out."
    )


@pytest.mark.parametrize(("left", "fetched"), [(300.0, 1), (300.5, 0)])
def test_a_stored_token_serves_while_it_has_five_minutes(left: float, fetched: int, tmp_path: Path) -> None:
    signed_in(tmp_path)
    later = datetime.fromtimestamp(NOW.timestamp() + 3600 - left, UTC)
    assert signed_in(tmp_path, now=later)[1] == fetched


@pytest.mark.parametrize(
    "change", [{"key": ["x"]}, {"access_token": "a b\n"}, {"expires_on": "x"}, {"access_token": 7}]
)
def test_a_stored_token_that_is_another_s_or_none_is_replaced(change: dict[str, object], tmp_path: Path) -> None:
    signed_in(tmp_path)
    (file,) = stored(tmp_path)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    assert signed_in(tmp_path)[1] == 1


def test_names_of_files_say_nothing_and_are_short(tmp_path: Path) -> None:
    signed_in(tmp_path)
    names = {file.name for file in directory(tmp_path).iterdir()}
    (stem,) = {name.partition(".")[0] for name in names}
    assert names == {f"{stem}.json", f"{stem}.lock"}
    assert len(stem) == 32
