"""Each file answers for itself: every module with code has the test file of its name, and no test file outlives its module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXEMPT = {"__init__.py", "__main__.py"}
MODULES = sorted(path for path in (ROOT / "proxy").rglob("*.py") if path.name not in EXEMPT)
TESTS = sorted(path for path in (ROOT / "tests" / "unit").rglob("test_*.py") if path != Path(__file__))


def has_code(path: Path) -> bool:
    """Whether any function does something: records, enumerations and Protocols alone need no test."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not _is_declaration(function) for function in functions)


def _is_declaration(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A docstring and `...` at most."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", [path for path in MODULES if has_code(path)], ids=relative)
def test_a_module_with_code_has_its_test_file(module: Path) -> None:
    inside = module.relative_to(ROOT / "proxy")
    wanted = ROOT / "tests" / "unit" / inside.parent / f"test_{inside.name}"
    assert wanted.is_file(), f"{relative(module)} has no {relative(wanted)}"


@pytest.mark.parametrize("test", TESTS, ids=relative)
def test_a_test_file_has_its_module(test: Path) -> None:
    inside = test.relative_to(ROOT / "tests" / "unit")
    module = ROOT / "proxy" / inside.parent / inside.name.removeprefix("test_")
    assert module.is_file(), f"{relative(test)} tests no module: {relative(module)} is not there"


def test_an_init_holds_a_docstring_and_no_code() -> None:
    for path in (ROOT / "proxy").rglob("__init__.py"):
        body = ast.parse(path.read_text("utf-8")).body
        assert len(body) == 1, relative(path)
        assert isinstance(body[0], ast.Expr), relative(path)
