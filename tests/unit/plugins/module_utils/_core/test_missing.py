# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missing Python package: what needs it, where it is missing, how it is installed, in the same words everywhere."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.missing import missing_library


@pytest.mark.parametrize(
    ("requirements", "options", "said"),
    [
        (
            ("msal>=1.29,<2",),
            {"other": "do without"},
            "This needs the Python package msal for the Python that runs the module, /bin/py: no msal. "
            "Install it: /bin/py -m pip install 'msal>=1.29,<2'. Or do without.",
        ),
        (
            ("a>=1", "b", "c[d]<2"),
            {"runs": "Ansible"},
            "This needs the Python packages a, b and c[d] for the Python that runs Ansible, /bin/py: no msal. "
            "Install them: /bin/py -m pip install 'a>=1' 'b' 'c[d]<2'.",
        ),
        (
            ("b",),
            {"beside": "and more"},
            "This needs the Python package b for the Python that runs the module, /bin/py: no msal. "
            "Install it: /bin/py -m pip install 'b' (and more).",
        ),
        (
            ("b",),
            {"why": ImportError()},
            "This needs the Python package b for the Python that runs the module, /bin/py. "
            "Install it: /bin/py -m pip install 'b'.",
        ),
    ],
)
def test_one_form_of_words(
    requirements: tuple[str, ...], options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/py")
    given = {"why": ImportError("no\nmsal."), **options}
    problem = missing_library("This", *requirements, **given)
    assert (problem.code, str(problem)) == ("missing_library", said)
