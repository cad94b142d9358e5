# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark in a description: joined, split off again, and never more than a claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import (
    GENERATED_LENGTH,
    Mark,
    Ownership,
    generated,
    id_hash,
    join,
    key_hash,
    name_hash,
    read_generated,
    split,
)

MARK = Mark("9f2c41d07ab3", datetime(2026, 11, 20, 11, 30, 2, tzinfo=UTC))
TEXT = "[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T11:30:02Z]"

seconds = st.datetimes(
    min_value=datetime(2000, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC), allow_imaginary=False
).map(lambda moment: moment.replace(microsecond=0))
marks = st.builds(
    Mark,
    nonce=st.text("0123456789abcdef", min_size=12, max_size=12),
    created=seconds,
    pin=st.booleans(),
    safety=st.booleans(),
    power=st.sampled_from([None, "on", "off"]),
    key=st.none() | st.text("0123456789abcdef", min_size=16, max_size=16),
    target=st.none() | st.text("0123456789abcdef", min_size=8, max_size=8),
    until=seconds,
).map(lambda mark: mark if mark.pin else replace(mark, until=None))
# What the option description lets through: everything printable, and line feeds.
descriptions = st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" \n"), max_size=60)


def test_the_mark_stands_on_a_line_of_its_own() -> None:
    assert join("before patching", MARK) == f"before patching\n{TEXT}"
    assert join("", MARK) == TEXT
    assert join("before patching", None) == "before patching"


FULL = replace(
    MARK,
    pin=True,
    safety=True,
    power="off",
    key="0123456789abcdef",
    target="89abcdef",
    name="0a1b2c3d",
    until=MARK.created,
)


def test_every_field_is_written() -> None:
    assert str(FULL) == (
        f"{TEXT[:-1]} pin until=2026-11-20T11:30:02Z safety power=off key=0123456789abcdef target=89abcdef "
        "name=0a1b2c3d]"
    )
    assert split(str(FULL)) == ("", FULL)
    assert FULL.to_result() == {
        "nonce": "9f2c41d07ab3",
        "created": "2026-11-20T11:30:02Z",
        "safety": True,
        "power": "off",
        "key": "0123456789abcdef",
        "target": "89abcdef",
    }


@given(descriptions, marks)
def test_what_is_joined_is_split_again_for_any_description(description: str, mark: Mark) -> None:
    assert split(join(description, mark)) == (description, mark)


@given(descriptions, marks, marks)
def test_only_the_last_mark_counts(description: str, older: Mark, newer: Mark) -> None:
    words = join(description, older)
    assert split(join(words, newer)) == (words, newer)


@pytest.mark.parametrize("mark", [MARK, FULL])
def test_a_service_may_change_the_case_of_all_of_it(mark: Mark) -> None:
    text = join("Words", mark)
    assert split(text.upper()) == ("WORDS", mark)
    assert split(text.lower()) == ("words", mark)
    assert split(str(mark).upper().replace("HYBRIDVM", "hybridvm")) == (
        str(mark).upper().replace("HYBRIDVM", "hybridvm"),
        None,
    )


@pytest.mark.parametrize(
    "kept",
    [f"words<br>{TEXT}", f"words\r\n{TEXT}", f"words {TEXT}", f"words\n{TEXT}\r\n", f"words\n{TEXT}  "],
)
def test_what_services_and_consoles_do_to_white_space_is_forgiven(kept: str) -> None:
    assert split(kept) == ("words", MARK)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "words",
        f"{TEXT} and more words",
        f"words{TEXT}",
        TEXT.replace("checkpoints 1", "checkpoints 2"),
        TEXT.replace("9f2c41d07ab3", "9f2c41d07ab"),
        TEXT.replace("9f2c41d07ab3", "9F2C41D07AB3"),
        TEXT.replace("2026-11-20T11:30:02Z", "2026-11-20T11:30:02"),
        TEXT.replace("2026-11-20T11:30:02Z", "2026-13-20T11:30:02Z"),
        TEXT.replace("]", " power=paused]"),
        TEXT.replace("]", " key=short]"),
        TEXT.replace("]", " safety pin]"),
        TEXT.replace("]", " until=2026-11-20T11:30:02Z]"),
        TEXT.replace("]", " pin until=2026-13-20T11:30:02Z]"),
        TEXT.replace("]", " pin until=tomorrow]"),
        TEXT.replace("]", " more]"),
        TEXT.replace("]", " Pin]"),
        TEXT.upper().replace("NONCE", "nonce"),
        TEXT.upper().replace("A", "a"),
        TEXT.lower().replace("t", "T"),
        TEXT.lower().replace("s", "\u017f"),
        TEXT.upper().replace("2026-11-20", "2026-13-20"),
        TEXT[:-1],
    ],
)
def test_a_malformed_mark_means_unmanaged(text: str) -> None:
    assert split(text) == (text, None)


def test_no_description_is_an_empty_one() -> None:
    assert split(None) == ("", None)


def test_a_key_is_recognised_by_its_hash_which_does_not_give_it_away() -> None:
    assert key_hash("run-42") == key_hash("run-42")
    assert key_hash("run-42") != key_hash("run-43")
    assert len(key_hash("run-42")) == 16
    assert "run-42" not in key_hash("run-42")


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\n" not in text), seconds, marks)
def test_a_generated_name_gives_back_its_series_and_nonce(series: str, moment: datetime, mark: Mark) -> None:
    name = generated(series, moment, mark.nonce)
    assert read_generated(name) == (series, Ownership(True, mark.nonce, at=moment))
    assert len(name) == len(series) + GENERATED_LENGTH


def test_a_generated_name_shows_when_by_the_service_s_clock() -> None:
    elsewhere = MARK.created.astimezone(timezone(timedelta(hours=2)))
    assert generated("nightly", elsewhere, MARK.nonce) == "nightly-20261120T113002Z-9f2c41d07ab3"


@pytest.mark.parametrize(
    "name",
    [
        "nightly",
        "-20261120T113002Z-9f2c41d07ab3",
        "nightly-20261120T113002-9f2c41d07ab3",
        "nightly-20261120T113002Z-9F2C41D07AB3",
        "nightly-20261120T113002Z-9f2c41d07ab3-x",
        "nightly-20261120T113002Z-9f2c41d07ab3\n",
        "nightly-20261399T113002Z-9f2c41d07ab3",  # no month 13
    ],
)
def test_any_other_name_is_nobody_s_series(name: str) -> None:
    assert read_generated(name) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_mark_from_the_ends_of_a_calendar_is_none(at: str) -> None:
    """An age that a forger has chosen would decide what goes; the last one would overflow behind a pin."""
    text = f"words\n[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at={at}]"
    assert split(text) == (text, None)


def test_hashes_are_the_same_in_every_release() -> None:
    """They stand in descriptions, for years."""
    assert name_hash("nightly") == "ce6d82ec"
    assert id_hash("A1-b") == id_hash("a1-B") == "43134f5f"
    assert key_hash("run-42") == "a9501f06028acfae"


def test_what_is_not_said_of_a_checkpoint_s_maker() -> None:
    assert Ownership() == (False, None, False, None)
    bare = Mark("n", MARK.created)
    assert (bare.pin, bare.safety, bare.power, bare.key, bare.target, bare.name, bare.until) == (
        False,
        False,
        *[None] * 5,
    )
    assert bare.pinned is None
