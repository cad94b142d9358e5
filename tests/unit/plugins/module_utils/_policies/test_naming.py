# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names a template makes, and which names it can have made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import zone
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.naming import DEFAULT, read_template

AT = datetime(2026, 3, 1, 23, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (DEFAULT, "nightly-20260301T230509Z"),
        ("{prefix}_{local:%d.%m.%y %H}h", "nightly_02.03.26 00h"),
        ("{vm}/{prefix}-{utc:%G-W%V}-{utc:%j}", "web01/nightly-2026-W09-060"),
        ("{{{prefix}}}", "{nightly}"),
        ("a{prefix}", "anightly"),
    ],
)
def test_a_name(template: str, name: str) -> None:
    naming = read_template(template)
    assert naming.render("nightly", "web01", AT, zone("Europe/Berlin")) == name
    assert naming.fits(name, "nightly", "web01")
    assert not naming.fits(name, "weekly", "web01")
    assert not naming.fits(f"{name}x", "nightly", "web01")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("nightly", "must hold {prefix}"),
        ("{utc:%Y}", "must hold {prefix}"),
        ("{prefix", "has a brace without its partner"),
        ("prefix}", "has a brace without its partner"),
        ("{prefix}{now}", "nothing else in braces"),
        ("{prefix}{}", "nothing else in braces"),
        ("{prefix}{vm.__class__}", "nothing else in braces"),
        ("{prefix}{0}", "nothing else in braces"),
        ("{prefix!r}", "nothing else in braces"),
        ("{prefix:>9}", "nothing else in braces"),
        ("{prefix}{utc}", "at least one of them"),
        ("{prefix}{utc:now}", "at least one of them"),
        ("{prefix}{utc:%B}", "takes %Y"),
        ("{prefix}{local:%Y%}", "takes %Y"),
        ("{prefix}{local:%%%Y}", "takes %Y"),
    ],
)
def test_what_no_name_can_be_made_of(template: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_template(template)


def test_case_counts_only_where_the_service_tells_it_apart() -> None:
    naming = read_template(DEFAULT)
    assert not naming.fits("Nightly-20260301T230509Z", "nightly", "web01")
    assert naming.fits("Nightly-20260301t230509z", "nightly", "web01", any_case=True)


def test_the_time_that_every_generated_name_ends_in_is_left_off() -> None:
    assert read_template(DEFAULT).before_stamp().text == "{prefix}"
    assert read_template("{prefix}_{utc:%Y}").before_stamp().text == "{prefix}_{utc:%Y}"


@given(
    st.sampled_from([DEFAULT, "{prefix}{local:%d%m%Y}x{utc:%H:%M:%S}", "{vm}.{prefix}"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=9),
    st.datetimes(datetime(1000, 1, 2), datetime(9998, 1, 1)),
)
def test_what_it_makes_it_knows(template: str, prefix: str, at: datetime) -> None:
    naming = read_template(template)
    name = naming.render(prefix, "w+(b", at.replace(tzinfo=UTC), zone("Pacific/Apia"))
    assert naming.fits(name, prefix, "w+(b")


def test_a_format_may_hold_every_directive() -> None:
    every = "%Y%G%j%y%m%d%H%M%S%V"
    made = read_template(f"{{prefix}}-{{utc:{every}}}")
    name = made.render("p", "v", datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC), UTC)
    assert name == "p-2026202632426112001020347"
    assert made.fits(name, "p", "v")
