"""The longest that a text of a rule can be expected to become, before there is any event.

An estimate, and said to be one: a field that nothing bounds counts as `ASSUMED` characters, of
branches the longest one counts, a loop counts as `TURNS` turns. What must not go in: what a long
text costs (see the vendor's operation).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from liquid import BoundTemplate
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.expression import Expression

ASSUMED = 30
"""Characters of a field that nothing bounds: a name, an order number, a short address."""

TURNS = 3

_STAND_IN = "x"


def longest(template: BoundTemplate) -> str:
    """A stand-in for the longest rendering: literal text as it is, fields as rows of `x`."""
    context = template.env.from_string("")
    return _sequence(template.nodes, context)


def unknown_field() -> str:
    return _STAND_IN * ASSUMED


def _sequence(nodes: Iterable[Node], context: Any) -> str:
    return "".join(_node(node, context) for node in nodes)


def _node(node: Node, context: Any) -> str:
    match node:
        case ContentNode():
            return node.text
        case OutputNode():
            return _expression(node.expression)
        case BlockNode():
            return _sequence(node.nodes, context)
        case AssignNode() | CaptureNode() | CommentNode():
            return ""
        case ForNode():
            turns = max(_branches(node, context), key=len, default="")
            return turns * TURNS
        case _:
            return max(_branches(node, context), key=len, default="")


def _branches(node: Node, context: Any) -> list[str]:
    """One of them is written; tags without children write nothing."""
    return [_node(child, context) for child in node.children(context, include_partials=False)]


def _expression(expression: Expression) -> str:
    """What an output writes, as far as its literals and a `truncate` bound it."""
    if isinstance(expression, StringLiteral):
        return str(expression.value)
    if not isinstance(expression, FilteredExpression):
        return unknown_field()
    text = _expression(expression.left)
    for each in expression.filters or ():
        literal = [getattr(argument.value, "value", None) for argument in each.args]
        bound = literal[0] if literal else None
        if each.name == "truncate" and isinstance(bound, int):
            text = text[:bound]
        elif each.name in {"default", "append", "prepend"} and isinstance(bound, str):
            text = max(text, bound, key=len) if each.name == "default" else text + bound
    return text
