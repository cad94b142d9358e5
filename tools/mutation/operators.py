# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one mistake may look like: a node of the syntax tree in, the nodes that might stand there by mistake out."""

from __future__ import annotations

import ast
import copy
import typing as t


class Variant(t.NamedTuple):
    """One wrong node for a right one; `before` and `after` where only a part of the node says what was changed."""

    operator: str
    node: ast.AST
    before: str = ""
    after: str = ""


_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_TWINS = {"any": "all", "all": "any", "min": "max", "max": "min"}
_FOLDING = {"lower", "upper", "casefold", "strip", "lstrip", "rstrip"}
_KEYED = {"get", "pop", "startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split"}
_LARGE = 64  # one more or less of something larger is nobody's mistake, twice or half of it is


def variants(node: ast.AST, parent: ast.AST | None, returns_truth: bool) -> list[Variant]:
    """Every mistake at this node; `returns_truth`: it stands in a function that returns a bool."""
    found: list[Variant] = []
    for operator in _OPERATORS.get(type(node), ()):
        found += operator(node, parent)
    if isinstance(node, ast.Return):
        found += _returned(node, returns_truth)
    if isinstance(node, ast.expr) and _is_condition(node, parent):
        found += [Variant("condition", ast.Constant(value)) for value in _forced(node, parent)]
    return found


def _with(node: ast.AST, **fields: t.Any) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without(items: t.Sequence[t.Any], number: int) -> list[t.Any]:
    return [*items[:number], *items[number + 1 :]]


def _text(node: ast.AST) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _is_condition(node: ast.expr, parent: ast.AST | None) -> bool:
    if isinstance(parent, ast.If | ast.IfExp | ast.While):
        return parent.test is node
    return isinstance(parent, ast.comprehension) and node in parent.ifs


def _forced(node: ast.expr, parent: ast.AST | None) -> list[bool]:
    if isinstance(node, ast.Constant):
        return []
    return [False] if isinstance(parent, ast.While) else [True, False]


def _compared(node: ast.Compare, _parent: ast.AST | None) -> t.Iterator[Variant]:
    for number, operation in enumerate(node.ops):
        for other in _COMPARISONS[type(operation)]:
            yield Variant("comparison", _with(node, ops=[*node.ops[:number], other(), *node.ops[number + 1 :]]))
    sides = [node.left, *node.comparators]
    for number, side in enumerate(sides):
        text = _text(side)
        if text is not None:
            changed = [*sides[:number], ast.Constant(f"{text}x"), *sides[number + 1 :]]
            yield Variant("text", _with(node, left=changed[0], comparators=changed[1:]))
    if len(sides) == 2 and isinstance(node.ops[0], ast.Eq) and any(_text(s) or _folds(s) for s in sides):
        prefix = ast.Attribute(node.left, "startswith", ast.Load())
        yield Variant("prefix", ast.Call(prefix, [node.comparators[0]], []))


def _folds(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FOLDING


def _joined(node: ast.BoolOp, _parent: ast.AST | None) -> t.Iterator[Variant]:
    yield Variant("and/or", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And()))
    for number, operand in enumerate(node.values):
        left = _without(node.values, number)
        word = "and" if isinstance(node.op, ast.And) else "or"
        yield Variant("operand", _with(node, values=left) if len(left) > 1 else left[0], f"{word} {show(operand)}", "")


def _negated(node: ast.UnaryOp, _parent: ast.AST | None) -> t.Iterator[Variant]:
    if isinstance(node.op, ast.Not):
        yield Variant("not", node.operand)


def _constant(node: ast.Constant, parent: ast.AST | None) -> t.Iterator[Variant]:
    value = node.value
    if isinstance(parent, ast.keyword) and parent.arg == "strict":
        return
    if isinstance(value, bool):
        yield Variant("constant", ast.Constant(not value))
    elif isinstance(value, int):
        exact = isinstance(parent, ast.Compare | ast.Slice | ast.Subscript | ast.Set | ast.Tuple)
        near = [value + 1, value - 1] if exact or value < _LARGE else [value * 2, value // 2]
        yield from (Variant("constant", ast.Constant(number)) for number in near if number >= 0)
    elif isinstance(value, float):
        yield from (Variant("constant", ast.Constant(number)) for number in {value * 2 or 1.0, value / 2} - {value})
    elif isinstance(value, str) and _is_key(node, parent):
        yield Variant("text", ast.Constant(f"{value}x"))


def _is_key(node: ast.Constant, parent: ast.AST | None) -> bool:
    if isinstance(parent, ast.Call):
        named = isinstance(parent.func, ast.Attribute) and parent.func.attr in _KEYED
        return named and parent.args[:1] == [node]
    return (isinstance(parent, ast.Subscript) and parent.slice is node) or (
        isinstance(parent, ast.Dict) and node in parent.keys
    )


def _computed(node: ast.BinOp, _parent: ast.AST | None) -> t.Iterator[Variant]:
    other = _ARITHMETIC.get(type(node.op))
    if other and not any(
        _text(side) is not None or isinstance(side, ast.JoinedStr) for side in (node.left, node.right)
    ):
        yield Variant("arithmetic", _with(node, op=other()))


def _called(node: ast.Call, _parent: ast.AST | None) -> t.Iterator[Variant]:
    for number, keyword in enumerate(node.keywords):
        if keyword.arg == "strict":
            continue  # of zip: it says what is so already
        yield Variant("argument", _with(node, keywords=_without(node.keywords, number)), _argument(keyword), "")
    if isinstance(node.func, ast.Name) and node.func.id in _TWINS:
        yield Variant("twin", _with(node, func=ast.Name(_TWINS[node.func.id], ast.Load())))
    if _folds(node) and not node.args and isinstance(node.func, ast.Attribute):
        yield Variant("method", node.func.value)


def _argument(keyword: ast.keyword) -> str:
    return f"{keyword.arg}={show(keyword.value)}" if keyword.arg else f"**{show(keyword.value)}"


def _listed(node: ast.Tuple | ast.List | ast.Set, parent: ast.AST | None) -> t.Iterator[Variant]:
    loaded = not isinstance(node, ast.Tuple | ast.List) or isinstance(node.ctx, ast.Load)
    if loaded and len(node.elts) > 1 and not isinstance(parent, ast.Subscript):
        for number, element in enumerate(node.elts):
            yield Variant("element", _with(node, elts=_without(node.elts, number)), show(element), "")


def _mapped(node: ast.Dict, _parent: ast.AST | None) -> t.Iterator[Variant]:
    for number, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        left = _with(node, keys=_without(node.keys, number), values=_without(node.values, number))
        yield Variant("entry", left, f"{show(key) + ': ' if key else '**'}{show(value)}", "")


def _sliced(node: ast.Slice, _parent: ast.AST | None) -> t.Iterator[Variant]:
    for bound in ("lower", "upper"):
        if getattr(node, bound) is not None:
            yield Variant("bound", _with(node, **{bound: None}))


def _dropped(node: ast.stmt, _parent: ast.AST | None) -> t.Iterator[Variant]:
    value = getattr(node, "value", None)
    call = value.value if isinstance(value, ast.Await) else value
    if isinstance(node, ast.Expr) and not isinstance(call, ast.Call):
        return  # a docstring, or a yield
    if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Attribute | ast.Subscript):
        return  # what follows would not find the name
    yield Variant("statement", ast.Pass(), show(node), "pass")


def _handled(node: ast.ExceptHandler, _parent: ast.AST | None) -> t.Iterator[Variant]:
    if not (isinstance(node.body[0], ast.Raise) and node.body[0].exc is None):
        caught = f"except {show(node.type) if node.type else ''}"
        yield Variant("handler", _with(node, body=[ast.Raise()]), f"{caught}: {show(node.body[0])}", f"{caught}: raise")


def _returned(node: ast.Return, truth: bool) -> t.Iterator[Variant]:
    if node.value is None or isinstance(node.value, ast.Constant):
        return
    for value in (True, False) if truth else (None,):
        yield Variant("return", _with(node, value=ast.Constant(value)))


_OPERATORS: dict[type[ast.AST], tuple[t.Callable[[t.Any, ast.AST | None], t.Iterator[Variant]], ...]] = {
    ast.Compare: (_compared,),
    ast.BoolOp: (_joined,),
    ast.UnaryOp: (_negated,),
    ast.Constant: (_constant,),
    ast.BinOp: (_computed,),
    ast.Call: (_called,),
    ast.Tuple: (_listed,),
    ast.List: (_listed,),
    ast.Set: (_listed,),
    ast.Dict: (_mapped,),
    ast.Slice: (_sliced,),
    ast.Expr: (_dropped,),
    ast.Raise: (_dropped,),
    ast.Assign: (_dropped,),
    ast.AugAssign: (_dropped,),
    ast.Continue: (lambda _node, _parent: iter([Variant("statement", ast.Break())]),),
    ast.ExceptHandler: (_handled,),
}


def show(node: ast.AST) -> str:
    """The code of a node on one line."""
    return " ".join(ast.unparse(node).split())
