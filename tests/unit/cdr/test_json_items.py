"""Files of JSON objects, cut into items without reading more than one of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evledger import json_items as module
from evledger.json_items import Item, JsonFileError, json_items

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{}[],', max_size=3), inner, max_size=3),
    max_leaves=12,
)


def items(folder: Path, text: str | bytes) -> list[Item]:
    path = folder / "items.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(json_items(path))


def places(folder: Path, text: str | bytes) -> list[tuple[str, Any]]:
    return [(item.place, item.read()) for item in items(folder, text)]


def test_an_array_is_cut_at_its_own_commas(tmp_path: Path) -> None:
    assert places(tmp_path, ' [ {"a": [1, 2]}, {"b": "],}{\\"["} ]\n') == [
        ("$[0]", {"a": [1, 2]}),
        ("$[1]", {"b": '],}{"['}),
    ]


def test_lines_are_items_with_their_numbers(tmp_path: Path) -> None:
    assert places(tmp_path, '\n{"a": 1}\n\n{"b": 2}') == [("line 2", {"a": 1}), ("line 4", {"b": 2})]


@pytest.mark.parametrize("text", ['{"a": 1}', '\n{"a": 1}\n\n'])
def test_one_line_alone_is_one_object(tmp_path: Path, text: str) -> None:
    assert places(tmp_path, text) == [("$", {"a": 1})]


def test_one_object_over_several_lines_is_one_item(tmp_path: Path) -> None:
    assert places(tmp_path, '{\n "a": 1\n}\n') == [("$", {"a": 1})]


@pytest.mark.parametrize("text", ["", "\n \n", "[]", " [ ] \n"])
def test_a_file_may_hold_nothing(tmp_path: Path, text: str) -> None:
    assert items(tmp_path, text) == []


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert places(tmp_path, b'\xef\xbb\xbf[{"a": 1}]') == [("$[0]", {"a": 1})]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"a": 1}', r"ends inside \$\[0\]"),
        ('[{"a": 1}, {"b', r"ends inside \$\[1\]"),
        ('[{"a": 1}] {"b": 2}', "goes on after the array's end with '{\"b\": 2}'"),
        ('[{"a": 1}}]', r"a brace too many in \$\[0\]"),
    ],
)
def test_an_array_that_breaks_off_says_where(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(JsonFileError, match=reason):
        items(tmp_path, text)


def test_a_bad_line_is_one_bad_item(tmp_path: Path) -> None:
    good, bad, after = items(tmp_path, '{"a": 1}\n{"a": \n{"b": 2}\n')
    assert (good.read(), after.read()) == ({"a": 1}, {"b": 2})
    with pytest.raises(ValueError, match="Expecting value"):
        bad.read()


def test_an_element_between_two_commas_is_a_bad_item(tmp_path: Path) -> None:
    first, empty = items(tmp_path, "[1,]")
    assert (first.place, empty.place) == ("$[0]", "$[1]")
    with pytest.raises(ValueError, match="Expecting value"):
        empty.read()


def test_numbers_never_pass_through_floating_point(tmp_path: Path) -> None:
    ((_, value),) = places(tmp_path, "[0.1000]")
    assert str(value) == "0.1000"


def test_a_path_inside_an_item_is_a_place_in_the_file() -> None:
    assert Item("$[2]", b"").at("$.currency: is missing") == "$[2].currency: is missing"
    assert Item("line 3", b"").at("$.currency: is missing") == "line 3: $.currency: is missing"


def test_an_item_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ITEM_BYTES_MAX", 30)
    assert len(items(tmp_path, "[{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}]")) == 12
    for text in ('[{"a": "0123456789012345678901234567890"}]', '{"a":\n"01234567890123456789012345678"}'):
        with pytest.raises(JsonFileError, match="larger than 30 bytes"):
            items(tmp_path, text)
    with pytest.raises(JsonFileError, match="line 2 is longer than 30 bytes"):
        items(tmp_path, '{"a": 1}\n{"a": "0123456789012345678901234567890"}')


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    path, steps = tmp_path / "lines", list[tuple[int, int | None]]()
    path.write_text('{"a": 1}\n{"b": 2}\n{"c": 3}\n')
    list(json_items(path, lambda done, total: steps.append((done, total))))
    assert steps == [(18, 27), (27, 27), (27, 27)]


@given(st.lists(VALUES, max_size=5), st.integers(1, 7))
def test_an_array_survives_being_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_BYTES", chunk)
        text = "[" + ",\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "]"
        found = places(tmp_path_factory.mktemp("items"), text)
    assert found == [(f"$[{place}]", value) for place, value in enumerate(values)]
