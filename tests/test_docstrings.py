"""Tests of docstrings: a first line states its subject, and does not ask for it."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[1]
QUESTIONS = {"What", "Which", "Whether", "How", "Where", "Who"}
MOST_FUNCTIONS = 5


def asking(*kinds):
    """Lists the docstrings of these kinds of nodes that begin with a question."""
    found = []
    for folder in ("hmhn_jax", "data", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                words = ((isinstance(node, kinds) and ast.get_docstring(node)) or "").split()
                if words and words[0].strip("?:,") in QUESTIONS:
                    found.append(f"{path.relative_to(ROOT)}: {' '.join(words[:8])}")
    return found


def test_no_module_begins_with_a_question():
    assert not asking(ast.Module)


def test_few_functions_begin_with_a_question():
    functions = asking(ast.FunctionDef, ast.AsyncFunctionDef)
    assert len(functions) <= MOST_FUNCTIONS, functions
