# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python package that is missing: what needs it, which interpreter lacks it, how it is installed there. Pure."""

from __future__ import annotations

import re
import sys
import typing as t

from .errors import MissingLibrary
from .formatting import one_line


def missing_library(
    what: str, *requirements: str, why: object, other: str = "", beside: str = "", runs: str = "the module"
) -> MissingLibrary:
    """The error for `what` needs packages that `runs` lacks, `why` being the import's own words.

    `requirements` are as pip takes them, `beside` is what else they need, and `other` the way that needs none of them.
    """
    names = [re.split("[<>=]", each)[0] for each in requirements]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    packages, them = ("package", "it") if len(names) == 1 else ("packages", "them")
    words = one_line(str(why), 200).rstrip(".")
    install = " ".join(f"'{each}'" for each in requirements) + (f" ({beside})" if beside else "")
    return MissingLibrary(
        f"{what} needs the Python {packages} {listed} for the Python that runs {runs}, {sys.executable}"
        f"{f': {words}' if words else ''}.",
        remedy=f"Install {them}: {sys.executable} -m pip install {install}.{f' Or {other}.' if other else ''}",
    )


def required(load: t.Callable[[], t.Any], what: str, *requirements: str, other: str) -> t.Any:
    """The library that `load` imports, which raises ImportError without it; the rest is for that error."""
    try:
        return load()
    except ImportError as error:
        raise missing_library(what, *requirements, why=error, other=other) from None
