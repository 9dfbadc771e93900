"""The habits of the house, as rules that fail."""

import ast
import re
import statistics
import sys

import pytest

from tests.architecture.source import ALL_CODE, PACKAGES, ROOT, Source, code_length, length, sources

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 40
# A README of a package is one page: what it owns, what it does not own, what always holds.
README_LINES_MAX = 80
# The median counts the code of a body, not its docstring: documenting a function must not make it "long".
MEDIAN_LINES_MAX = 6

# Rooms under ledger/ that may know the clock: the store stamps recorded_at.
IMPURE_ROOMS = ("ledger/store/",)
CLOCKS = {"now", "utcnow", "today", "time_ns", "monotonic", "perf_counter", "uuid1", "uuid4", "random", "randint"}
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|CREATE|DROP|ALTER|GRANT|COPY|SET ROLE)\b")


def pure_sources() -> list[Source]:
    return [source for source in sources("ledger") if not source.name.startswith(IMPURE_ROOMS)]


def test_a_file_has_one_subject_and_at_most_400_lines() -> None:
    long = [(s.name, len(s.text.splitlines())) for s in sources(*ALL_CODE)]
    assert [found for found in long if found[1] > FILE_LINES_MAX] == []


def test_a_function_has_at_most_40_lines() -> None:
    long = [
        f"{source.at(function)} {function.name}: {length(function)} lines"
        for source in sources(*ALL_CODE)
        for function in source.functions()
        if length(function) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_functions_are_short_in_the_median(capsys: pytest.CaptureFixture[str]) -> None:
    lengths = [code_length(function) for source in sources(*PACKAGES) for function in source.functions()]
    median = statistics.median(lengths)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(lengths)} functions, median {median:g} lines, longest {max(lengths)}\n")
    assert median <= MEDIAN_LINES_MAX


def test_time_and_chance_come_in_as_arguments() -> None:
    called = [
        f"{source.at(node)} {ast.unparse(node.func)}"
        for source in pure_sources()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and called_name(node) in CLOCKS
    ]
    assert called == []


def test_no_float_comes_near_energy_time_or_money() -> None:
    floats = [source.at(node) for source in sources("ledger") for node in ast.walk(source.tree) if is_float(node)]
    assert floats == []


def test_no_value_is_written_into_sql() -> None:
    pasted = [
        source.at(node)
        for source in sources(*PACKAGES, "benchmarks")
        for node in ast.walk(source.tree)
        if is_pasted_sql(node)
    ]
    assert pasted == []


@pytest.mark.parametrize(
    "code",
    [
        "f'SELECT {x}'",
        "'SELECT %s' % x",
        "'SELECT {}'.format(x)",
        "'DELETE FROM t WHERE a = ' + x",
    ],
)
def test_the_rule_about_sql_sees_each_way_to_paste(code: str) -> None:
    assert any(is_pasted_sql(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize("code", ["sql.SQL('SELECT {}').format(x)", "run('SELECT %s', [x])", "f'{n} rows'"])
def test_the_rule_about_sql_lets_parameters_pass(code: str) -> None:
    assert not any(is_pasted_sql(node) for node in ast.walk(ast.parse(code)))


def test_every_package_says_on_one_page_what_it_owns() -> None:
    packages = [path.parent for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")]
    assert [str(folder.relative_to(ROOT)) for folder in packages if not has_page(folder)] == []


def has_page(folder: object) -> bool:
    page = ROOT / str(folder) / "README.md"
    return page.exists() and 0 < len(page.read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def called_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_float(node: ast.AST) -> bool:
    literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
    return literal or (isinstance(node, ast.Name) and node.id == "float")


def is_pasted_sql(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr(values=values):
            has_value = any(isinstance(value, ast.FormattedValue) for value in values)
            return has_value and any(is_sql(value) for value in values)
        case ast.BinOp(op=ast.Mod() | ast.Add(), left=left, right=right):
            return is_sql(left) and not isinstance(right, ast.Constant)
        case ast.Call(func=ast.Attribute(attr="format", value=value)):
            return is_sql(value)
    return False


def is_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(SQL.search(node.value))
