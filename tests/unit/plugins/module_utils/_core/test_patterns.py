# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions of users: what is taken, and what could keep a run busy for hours is not."""

from __future__ import annotations

import re

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.patterns import MAX_PATTERN, compiled


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("nightly", "nightly"),
        (r"nightly-\d{8}T\d{6}Z", "nightly-20261120T113000Z"),
        (".*-web.*-(daily|weekly)-.*", "a-web1-daily-x"),
        ("(mon|tue|wed|thu|fri|sat|sun)(day)?", "monday"),
        (r"\(?x\)?", "(x)"),
        ("(?:ab){3}", "ababab"),
        ("[]a^]+", "a]^"),
        (r"[^\]]+", "abc"),
        ("a{,3}b{1,}c{2}", "aabbbcc"),
        ("a+?b*+", "aab"),
        ("a{", "a{"),
        (".{0,255}" * 3 + "a{3,18}", "aaa"),
        ("|".join(["daily"] * 30), "daily"),
    ],
)
def test_what_is_taken(pattern: str, name: str) -> None:
    assert compiled(pattern).fullmatch(name)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "is no regular expression: missing )"),
        ("[a", "is no regular expression"),
        ("[[a]", "is no regular expression: Possible nested set"),
        ("a**", "is no regular expression: multiple repeat"),
        ("a" * (MAX_PATTERN + 1), "is longer than 200 characters"),
        ("(" * 90 + "a?" + ")" * 90 + "*", "repeats"),
        ("(a+)+b", "repeats a group in which something varies"),
        ("(a|a)*b", "repeats a group in which something varies"),
        ("((a?))*b", "repeats a group in which something varies"),
        ("(a*){2,9}b", "repeats a group in which something varies"),
        ("a?" * 60 + "a" * 60, "may take very long"),
        (".*.*.*.*x", "may take very long"),
        ("a{0,99999}b{0,99999}", "may take very long"),
        ("(a|aa)" * 33, "may take very long"),
        (".{0,255}" * 3 + "a{3,19}", "may take very long"),
        (r"(a)\1", "nothing that refers or looks elsewhere"),
        ("(?=a)a", "nothing that refers or looks elsewhere"),
        ("(?i)a", "nothing that refers or looks elsewhere"),
        ("(?P<n>a)(?P=n)", "nothing that refers or looks elsewhere"),
    ],
)
def test_what_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        compiled(pattern)
