# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an error's text speaks of a lock: VMM's number as VMM writes it, and no word within a name."""

from __future__ import annotations

import re

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.lock_words import (
    LONGEST,
    names_another_cause,
    number_of,
    outside_names,
    says_locked,
)

TEXT = "Unable to perform the job because one or more of the selected objects are locked by another job."
WORDS = re.compile("in progress|concurrent")


@pytest.mark.parametrize(
    "said",
    [
        f"Error (2602)\r\n{TEXT}",
        f"{TEXT} (Error ID: 2602)",
        f"{TEXT} (Error 2602)",
        f"VMM error (2602): {TEXT}",
        f"VMM error: 2602 {TEXT}",
        f"VMM error 2602: {TEXT}",
        f"VMM 2602: {TEXT}",
        f"VMM2602: {TEXT}",
        f"X: {TEXT} ID: 2602.",
        "error code 2602",
        "Error number: 2602",
        "ERROR CODE: VMM2602",
        "VMM error (ID: 2602)",
        "ID:2602.",
        "Locked (2602).",
        f"X: {TEXT[:-1]} (2602).",
        f"VMMError: Fehler (2602): {TEXT}",
        "2602",
        " (2602) ",
        f"Error (23234) A part failed. {TEXT} (Error ID: 2602)",
        "HTTP error 409: Error ID: 2602",
        "Error code: 423, VMM error 2602",
        "VMM 2022 says: Error ID: 2602",
        '{"code": "VMMError", "message": "Error ID: 2602"}',
    ],
)
def test_a_lock_as_vmm_writes_it(said: str) -> None:
    assert says_locked(said)
    assert not names_another_cause(said)


@pytest.mark.parametrize(
    "said",
    [
        "There is not enough space: 2602 MB are free.",
        "The VM name 2602 is invalid.",
        "X: This property is immutable; 2602 MB.",
        "Error 26021",
        "Error 12602",
        "Error ID: 2601",
        "error: 2602.5 GB are missing",
        "error 2602-1",
        "VM 831e819f-2602-4c1b-9c1f-77aa00000000 is gone",
        "Azure Local (2602) exists already.",
        "12602 a2602 2602-1",
        "(2602) MB are free",
        "",
    ],
)
def test_a_number_that_stands_anywhere_is_none(said: str) -> None:
    assert not says_locked(said)


@pytest.mark.parametrize("cause", ["(Error 20413)", "(Error ID: 10803)", "Error (7)", "VMM error 12710: x"])
def test_another_number_that_is_named_wins(cause: str) -> None:
    for said in (f"2602 MB are free {cause}", f"Error 2602 {cause}", f"{cause} ID: 2602"):
        assert not says_locked(said)
        assert names_another_cause(said)


@pytest.mark.parametrize(
    ("codes", "locked", "other"),
    [
        (["2602"], True, False),
        ([" vmm2602 "], True, False),
        (["VMMError", "2602"], True, False),
        (["23234", "2602"], True, False),
        (["409", "2602"], True, False),
        (["0"], False, False),
        (["10803"], False, True),
        (["10803", "2602"], False, True),
        (["2602x"], False, False),
        (["415", "2602"], False, True),
        (["503", "2602"], True, False),
        ([], False, False),
    ],
)
def test_a_code_that_is_a_number_counts_like_one_in_the_text(codes: list[str], locked: bool, other: bool) -> None:
    assert says_locked(TEXT, (), codes) is locked
    assert names_another_cause(TEXT, (), codes) is other
    assert says_locked("Error ID: 2602", (), codes) is not other


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("2602", 2602),
        ("VMM10803", 10803),
        (" 7 ", 7),
        ("0", None),
        ("23234", None),
        ("Success", None),
        ("123456", None),
    ],
)
def test_a_code_s_number(code: str, number: int | None) -> None:
    assert number_of(code) == number


@pytest.mark.parametrize(
    "said",
    [
        "The checkpoint 'upgrade in progress' could not be made.",
        "The checkpoint 'it's in progress' could not be made.",
        'The checkpoint "concurrent writers" could not be made.',
        "The checkpoint \u2018in progress\u2019 could not be made.",
        "The checkpoint \u201cin progress\u201d could not be made.",
        "The checkpoint \u00abin progress\u00bb could not be made.",
    ],
)
def test_what_stands_in_quotes_is_a_name(said: str) -> None:
    assert not outside_names(WORDS, said)
    assert outside_names(WORDS, f"{said} It is in progress.")


@pytest.mark.parametrize(
    ("said", "names", "found"),
    [
        ("Upgrade in progress could not be made.", ["upgrade in progress"], False),
        ("The checkpoint in progress could not be made.", ["in progress"], False),
        ("An upgrade in progress of web01 is waited for.", ["web01", "progress", ""], True),
        ("It is in progressive hands: in progress.", ["in progressive hands"], True),
        ("concurrents", ["concurrent"], True),
        ("Another create is in progress.", [], True),
        ("The 'Create' operation is in progress on 'web01'.", [], True),
        ("VM's disk is in progress on the VM's host.", [], True),
        ('{"message":"It is in progress","code":"X"}', [], True),
        ('{"message": "It is in progress", "code": "X"}', [], True),
    ],
)
def test_what_stands_within_a_known_name_says_nothing(said: str, names: list[str], found: bool) -> None:
    assert bool(outside_names(WORDS, said, names)) is found


@pytest.mark.parametrize("name", ["before ConfigMgr 2602", "Azure Local (2602)", "Error 2602", "2602"])
def test_a_name_with_the_number_is_no_lock(name: str) -> None:
    assert not says_locked(f"The checkpoint {name} could not be made.", [name])
    assert not says_locked(f"Error: '{name}' could not be made.")
    assert says_locked(f"The checkpoint {name} could not be made. (Error ID: 2602)", [name])


def test_so_much_of_a_text_is_looked_at() -> None:
    said = "Error 2602"
    assert says_locked("." * (LONGEST - len(said)) + said)
    assert not says_locked("." * (LONGEST - len(said) + 1) + said)


@pytest.mark.parametrize("part", ["'", '"', ":", "error ", "error(", "'a' ", "\u2018", "id ", "; ("])
def test_no_text_takes_long(part: str) -> None:
    """With steps without bound for each sign, this would not end."""
    assert not says_locked(part * LONGEST, [part, part * 100])
