"""Arithmetic, from text, without `eval`: a small part of Python's grammar with limits on what it may cost."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from services.agent_worker.tools.tool import ToolError, tool

EXPRESSION_CHARS_MAX = 500
POWER_BITS_MAX = 10_000
"""Of the result of a power or a product: `9**9**9` would otherwise take all memory."""

EXACT_MAX = 2**53
"""Whole numbers above this are given as text: many readers of JSON would round them."""

_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "ceil": math.ceil, "cos": math.cos, "exp": math.exp, "floor": math.floor, "log": math.log,
    "log10": math.log10, "max": max, "min": min, "round": round, "sin": math.sin, "sqrt": math.sqrt, "tan": math.tan,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}

Expression = Annotated[
    str,
    msgspec.Meta(
        max_length=EXPRESSION_CHARS_MAX,
        description="With + - * / // % **, parentheses, pi, e, and abs ceil cos exp floor log log10 max min round sin sqrt tan.",
        examples=["(6650 - 1230) / 6650 * 100", "sqrt(2) * 10", "17 * 23"],
    ),
]


@tool
def calculate(expression: Expression) -> float | int | str:
    """Work out an arithmetic expression."""
    try:
        result = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ToolError(f"{expression!r} cannot be worked out: {error}", code="tool_arguments") from error
    if isinstance(result, int):
        return result if abs(result) <= EXACT_MAX else str(result)
    if isinstance(result, float) and math.isfinite(result):
        return result
    raise ToolError(f"{expression!r} has no result among the real numbers", code="tool_arguments")


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _applied(op, _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*map(_value, args))
    raise ValueError(f"{ast.unparse(node)!r} is not arithmetic")


def _applied(op: ast.operator, left: Any, right: Any) -> Any:
    """Raises ValueError before anything that would be too large is computed."""
    bits = 0.0
    if isinstance(left, int) and isinstance(right, int):
        if isinstance(op, ast.Pow):
            bits = left.bit_length() * max(right, 0)
        elif isinstance(op, ast.Mult):
            bits = left.bit_length() + right.bit_length()
    if bits > POWER_BITS_MAX:
        raise ValueError("the result is too large")
    return _BINARY[type(op)](left, right)
