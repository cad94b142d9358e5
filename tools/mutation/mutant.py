# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants of a file: where a mistake may stand, what it is called, and the file's text with it."""

from __future__ import annotations

import ast
import typing as t
from collections import Counter
from dataclasses import dataclass, field, replace

from .operators import Variant, show, variants

_TYPES_ONLY = {"annotation", "returns", "decorator_list", "type_params", "bases"}
_ANYBODY = "*"  # no name: who does without one is used by all that use the file
_SHORT = 24  # a shorter piece of code does not say where it stands


@dataclass(frozen=True)
class Place:
    """What surrounds a node: who holds it, its function, its statement, and whether it runs at import time."""

    parents: tuple[ast.AST, ...] = ()
    field: str = ""
    number: int | None = None
    names: tuple[str, ...] = ()
    function: ast.FunctionDef | ast.AsyncFunctionDef | None = None
    lines: tuple[int, int] = (0, 0)
    imported: frozenset[str] = frozenset()

    def put(self, node: ast.AST) -> None:
        """Set this place to a node."""
        holder = self.parents[-1]
        if self.number is None:
            setattr(holder, self.field, node)
        else:
            getattr(holder, self.field)[self.number] = node


@dataclass(frozen=True)
class Mutant:
    """One mistake. What it is called does not depend on line numbers; `nth` counts those of one name."""

    file: str
    function: str
    operator: str
    before: str
    after: str
    nth: int
    line: int
    lines: tuple[int, int]
    imported: frozenset[str]  # names whose users show it, where the line itself runs at import time
    site: int
    text: t.Callable[[], str] = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str, str, str, int]:
        """What the list of equivalents knows it by."""
        return self.file, self.function, self.operator, self.before, self.after, self.nth

    def __str__(self) -> str:
        return self._line(*_differing(self.before, self.after))

    @property
    def whole(self) -> str:
        """The same, however long."""
        return self._line(self.before, self.after)

    def _line(self, before: str, after: str) -> str:
        return f"{self.file}:{self.line} {self.function} [{self.operator}] {before} -> {after or '(nothing)'}"


def mutants(file: str, source: str) -> list[Mutant]:
    """All mutants of a file, in the order of the text."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    seen: Counter[tuple[str, ...]] = Counter()
    for site, (node, place) in enumerate(_sites(tree, Place())):
        truth = place.function is not None and _is_bool(place.function.returns)
        for variant in variants(node, place.parents[-1], truth):
            before, after = _names(node, place, variant)
            named = (file, ".".join(place.names), variant.operator, before, after)
            seen[named] += 1
            line = getattr(node, "lineno", place.lines[0])
            text = _text_with(tree, node, place, variant)
            found.append(Mutant(*named, seen[named], line, place.lines, place.imported, site, text))
    return found


def _text_with(tree: ast.Module, node: ast.AST, place: Place, variant: Variant) -> t.Callable[[], str]:
    def text() -> str:
        place.put(variant.node)
        try:
            return ast.unparse(ast.fix_missing_locations(tree))
        finally:
            place.put(node)

    return text


def _names(node: ast.AST, place: Place, variant: Variant) -> tuple[str, str]:
    """Before and after, with so much around them that they say something."""
    if variant.before:
        return variant.before, variant.after
    shown: ast.AST = node
    for holder in reversed(place.parents):
        if not isinstance(holder, ast.expr | ast.keyword | ast.Slice | ast.comprehension):
            break
        if len(show(shown)) >= _SHORT and not isinstance(shown, ast.Slice | ast.keyword | ast.comprehension):
            break
        shown = holder
    before = show(shown)
    if shown is node:
        return before, show(variant.node)
    place.put(variant.node)
    try:
        return before, show(shown)
    finally:
        place.put(node)


def _differing(before: str, after: str, around: int = 30) -> tuple[str, str]:
    """Two texts without most of what is the same in both."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1

    def cut(text: str) -> str:
        first, last = max(start - around, 0), min(len(text) - end + around, len(text))
        return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"

    return cut(before), cut(after)


def _sites(node: ast.AST, place: Place) -> t.Iterator[tuple[ast.AST, Place]]:
    """Every node at which a mistake may stand, with its place."""
    if place.parents:
        yield node, place
    for name, value in ast.iter_fields(node):
        if name in _TYPES_ONLY:
            continue
        children = value if isinstance(value, list) else [value]
        for number, child in enumerate(children):
            if not isinstance(child, ast.AST) or isinstance(child, ast.expr_context | ast.operator | ast.cmpop):
                continue
            if _is_left_out(child, node, number):
                continue
            below = replace(place, parents=(*place.parents, node), field=name)
            below = replace(below, number=number if isinstance(value, list) else None)
            yield from _sites(child, _entered(child, below))


def _is_left_out(node: ast.AST, parent: ast.AST, number: int) -> bool:
    """Whether nothing in it is code that runs: docstrings, types, protocols; or it says nothing about behaviour."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return True
    if isinstance(node, ast.ClassDef):
        return any("Protocol" in show(base) for base in node.bases)
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in show(node.test)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.AnnAssign):
        return node.value is None or "TypeAlias" in show(node.annotation)
    if isinstance(node, ast.Assign) and isinstance(parent, ast.Module) and _is_number(node.value):
        return True  # a named limit is a decision: tests use its name
    if isinstance(node, ast.Assign):
        value = show(node.value)
        return show(node.targets[0]) in ("__all__", "__slots__") or value.startswith(
            ("t.TypeVar", "t.Annotated", "t.U")
        )
    if isinstance(parent, ast.Call):
        called = show(parent.func)
        return (
            called in ("t.cast", "isinstance", "issubclass") and node is parent.args[min(1, called != "t.cast")]
        ) or (called in ("t.TypeVar", "t.NewType"))
    return False


def _entered(node: ast.AST, place: Place) -> Place:
    """The place of what stands in a node: its statement's lines, and the names under which it is known."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = replace(place, names=(*place.names, node.name), function=node, imported=frozenset())
        return replace(inner, lines=(node.body[0].lineno, node.end_lineno or node.lineno))
    if isinstance(node, ast.ClassDef):
        return replace(place, names=(*place.names, node.name), function=None, imported=frozenset({node.name}))
    if isinstance(node, ast.ExceptHandler):
        return replace(place, lines=(node.body[0].lineno, node.body[-1].end_lineno or node.lineno))
    if isinstance(node, ast.stmt):
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else (node.end_lineno or node.lineno)
        place = replace(place, lines=(node.lineno, max(last, node.lineno)))
        if place.function is None:
            targets = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and _is_stored(each)]
            place = replace(place, imported=frozenset([*place.names, *targets, _ANYBODY]))
    return place


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _is_bool(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "bool"
