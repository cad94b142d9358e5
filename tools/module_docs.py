# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' RETURN sections, written from docs/source/returns.yml: `python tools/module_docs.py` (`--check`)."""

from __future__ import annotations

import copy
import re
import sys
import textwrap
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "docs/source/returns.yml"
MODULES = "plugins/modules"
HEAD = f"# Written by tools/module_docs.py from {SOURCE}.\n"
WIDTH = 120
SHORT = ("type", "elements", "returned")
_SECTION = re.compile(r'(?<=^RETURN = r"""\n).*?(?=^"""$)', re.M | re.S)

Doc = dict[str, t.Any]


class Mistake(Exception):
    """The source names what is not there, or says what cannot be written."""


def sections(source: Doc) -> dict[str, str]:
    """The text of each module's RETURN section."""
    keys, modules = source["keys"], source["modules"]
    used = {key for module in modules.values() for key in module["keys"]}
    if unused := sorted(keys.keys() - used):
        raise Mistake(f"no module returns {', '.join(unused)}")
    return {name: HEAD + "".join(_lines(returned(keys, module))) for name, module in modules.items()}


def returned(keys: Doc, module: Doc) -> Doc:
    """What one module returns, as Ansible reads it."""
    docs = {key: _whole(keys, key) for key in module["keys"]}
    for path in module.get("without", []):
        siblings, name = _find(docs, path)
        del siblings[name]
    for path, differences in module.get("differs", {}).items():
        siblings, name = _find(docs, path)
        siblings[name] |= differences
    return {key: _ordered(doc, "") for key, doc in docs.items()}


def _whole(keys: Doc, key: str) -> Doc:
    """A key with what it takes from another one."""
    doc = t.cast(Doc, copy.deepcopy(keys[key]))
    if (other := doc.pop("contains_of", None)) is not None:
        doc["contains"] = doc.get("contains", {}) | copy.deepcopy(keys[other]["contains"])
    return doc


def _find(docs: Doc, path: str) -> tuple[Doc, str]:
    """Where `plan.actions.vm` stands: the keys beside it, and its own name."""
    *above, name = path.split(".")
    siblings = docs
    for step in above:
        siblings = siblings.get(step, {}).get("contains", {})
    if name not in siblings:
        raise Mistake(f"there is no {path}")
    return siblings, name


def _ordered(doc: Doc, default: str = "always") -> Doc:
    """The fields in one order, "returned: always" where nothing else is said; what a module must have is there."""
    doc = doc if "returned" in doc or not default else doc | {"returned": default}
    if missing := {"description", "type", "returned"} - doc.keys():
        raise Mistake(f"{', '.join(sorted(missing))} missing of {doc}")
    order = ("description", *SHORT, "contains", "sample")
    result = {field: doc[field] for field in order if field in doc}
    if "contains" in doc:
        result["contains"] = {key: _ordered(inner) for key, inner in doc["contains"].items()}
    return result


def _lines(docs: Doc, indent: str = "") -> t.Iterator[str]:
    """The keys in YAML: one that fits on a line stands on one."""
    for key, doc in docs.items():
        line = f"{indent}{key}: {{{', '.join(f'{field}: {_flow(value)}' for field, value in doc.items())}}}\n"
        short = isinstance(doc["description"], str) and set(doc) <= {"description", *SHORT} and indent
        yield line if short and len(line) <= WIDTH else "".join(_block(key, doc, indent))


def _block(key: str, doc: Doc, indent: str) -> t.Iterator[str]:
    inner = f"{indent}  "
    yield f"{indent}{key}:\n"
    yield from _description(doc["description"], inner)
    yield from (f"{inner}{field}: {_plain(doc[field])}\n" for field in SHORT if field in doc)
    if "contains" in doc:
        yield f"{inner}contains:\n"
        yield from _lines(doc["contains"], f"{inner}  ")
    if "sample" in doc:
        flow = _dumped(doc["sample"], flow=True)
        if len(f"{inner}sample: {flow}") <= WIDTH:
            yield f"{inner}sample: {flow}\n"
        else:
            yield f"{inner}sample:\n{textwrap.indent(_dumped(doc['sample'], flow=False), f'{inner}  ')}\n"


def _description(texts: str | list[str], indent: str) -> t.Iterator[str]:
    """One that fits on a line, or a paragraph for each text."""
    if isinstance(texts, str) and len(line := f"{indent}description: {_plain(texts)}\n") <= WIDTH:
        yield line
        return
    yield f"{indent}description:\n"
    for text in [texts] if isinstance(texts, str) else texts:
        first, rest = f"{indent}  - ", f"{indent}    "
        wrap = textwrap.TextWrapper(WIDTH, first, rest, break_long_words=False, break_on_hyphens=False)
        yield wrap.fill(_plain(text)) + "\n"


def _plain(text: str) -> str:
    """The text as a scalar in a block, in quotes only where it needs them."""
    return text if _reads(f"- {text}") == [text] else _quoted(text)


def _flow(value: object) -> str:
    """The text as a scalar in braces; others are not written so."""
    text = str(value)
    return text if _reads(f"[{text}]") == [text] else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _reads(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _dumped(value: object, *, flow: bool) -> str:
    dumped = yaml.safe_dump(value, default_flow_style=flow, sort_keys=False, width=10000, allow_unicode=True)
    return str(dumped).strip()


def written(text: str, section: str) -> str:
    """A module's text with this section in its place."""
    return _SECTION.sub(lambda _found: section, text)


def main(arguments: list[str]) -> int:
    """Write the sections, or with --check name the files in which they are not what the source says."""
    source = yaml.safe_load((ROOT / SOURCE).read_text("utf-8"))
    stale = []
    for name, section in sections(source).items():
        path = ROOT / MODULES / f"{name}.py"
        text = path.read_text("utf-8")
        if (new := written(text, section)) != text:
            stale.append(f"{MODULES}/{path.name}")
            if "--check" not in arguments:
                path.write_text(new, "utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"{', '.join(stale)}: not what {SOURCE} says. Run: python tools/module_docs.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
