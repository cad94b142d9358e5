# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a "not found" is about the very thing that was asked for, or about something above it. Pure.

ARM's own form is `The Resource 'Microsoft.Compute/virtualMachines/NAME' under resource group 'GROUP' was not found.`
(of an extension resource the group is `<null>`), and of what lies in a resource `Parent resource 'NAME' not found.`
(learn: resolve errors for resource not found). Resource providers write ids, other quotes and a `target` as well.
"""

from __future__ import annotations

import re
import urllib.parse

_ORIGIN = re.compile(r"\bhttps?://[^/\s'\"`]+", re.IGNORECASE)
_END = r"[^\s'\"`,;?]"
_ID = re.compile(rf"/subscriptions/{_END}+", re.IGNORECASE)
_TYPED = re.compile(rf"(?<![\w.-])[a-z]\w*(?:\.\w+)+(?:/{_END}+){{2,}}", re.IGNORECASE)
_QUOTED = re.compile(r"\bresource ['\"`]([^'\"`]{1,1000})['\"`]", re.IGNORECASE)
_GROUP = re.compile(r"\bresource group ['\"`]([^'\"`]{1,1000})['\"`]", re.IGNORECASE)
_NO_GROUP = ("<null>", "null")


def is_about(said: str, url: str) -> bool:
    """Whether all that an error's text names is the resource asked for, or one above it; true where it names none."""
    path = urllib.parse.unquote(url.partition("?")[0]).lower()
    text = urllib.parse.unquote(_ORIGIN.sub("", said[:8000])).lower()
    start = path.find("/subscriptions/")
    asked = f"{path[max(start, 0) :].rstrip('/')}/"
    return (
        all(any(asked.startswith(f"{way}/") for way in _ways(each)) for each in _ID.findall(text))
        and all(any(f"/providers/{way}/" in asked for way in _ways(each)) for each in _TYPED.findall(text))
        and all(set(each.split("/")) <= set(asked.split("/")) for each in _QUOTED.findall(text))
        and all(f"/resourcegroups/{each}/" in asked for each in _GROUP.findall(text) if each not in _NO_GROUP)
    )


def _ways(named: str) -> tuple[str, str]:
    """Without what ends a sentence, and without what closes parentheses: a name may end in one."""
    bare = named.rstrip(".:/")
    return bare, bare.rstrip(").]:/")
