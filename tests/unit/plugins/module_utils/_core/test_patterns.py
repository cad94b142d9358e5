# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions of users: what is taken, and what could keep a run busy for hours is not."""

from __future__ import annotations

import re
import warnings

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


@pytest.mark.parametrize("pattern", ["(?:a{3}b)*", "(ab)+", "(a{2}){9}", "(a|b)?", "(a?)?"])
def test_a_group_in_which_nothing_varies_may_be_repeated(pattern: str) -> None:
    assert compiled(pattern)


@pytest.mark.parametrize("pattern", ["(a+(b))*c", "((b)a+)*c", "((a+)b)*c", "(x(a|b)y)+"])
def test_what_varies_inside_makes_what_holds_it_vary(pattern: str) -> None:
    with pytest.raises(ValueError, match="repeats a group in which something varies"):
        compiled(pattern)


def test_what_a_later_python_reads_otherwise_is_refused_whatever_is_done_with_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="Possible nested set"):
            compiled("[[a]")


def test_how_many_ways_are_too_many() -> None:
    """Three repeats without a bound and sixteen ways more; each alternative counts once."""
    assert compiled(".*.*.*(" + "|".join("a" * 16) + ")")
    with pytest.raises(ValueError, match="may take very long"):
        compiled(".*.*.*(" + "|".join("a" * 17) + ")")
    assert compiled(".*.*.*a?b?c?d?")
    with pytest.raises(ValueError, match="may take very long"):
        compiled(".*.*.*a?b?c?d?e?")
    assert compiled("|".join([".*.*.*a"] * 16))
    with pytest.raises(ValueError, match="may take very long"):
        compiled("|".join([".*.*.*a"] * 17))


def test_how_long_a_pattern_may_be() -> None:
    assert compiled("a" * MAX_PATTERN)
