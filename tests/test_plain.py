"""YAML as people write it."""

from __future__ import annotations

import pytest

from pytest_callqa import plain
from pytest_callqa.errors import BadInput


def test_every_scalar_is_text_with_its_line() -> None:
    document = plain.load("no: yes\nlist:\n  - 010\n  - 2026-11-23\n  - '~'\nempty: ~\nmissing:\n")
    assert document == {"no": "yes", "list": ["010", "2026-11-23", "~"], "empty": "", "missing": ""}
    assert isinstance(document, dict)
    assert [key.line for key in document if isinstance(key, plain.Text)] == [1, 2, 6, 7]
    assert [item.line for item in document["list"] if isinstance(item, plain.Text)] == [3, 4, 5]


@pytest.mark.parametrize("empty", ["", "# nothing\n", "---\n"])
def test_nothing_is_the_empty_text(empty: str) -> None:
    assert plain.load(empty) == ""


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("a: [1", "line 1: not valid YAML: expected ',' or ']'"),
        ("a:\n\tb: 1", "line 2: not valid YAML: found character '\\t' that cannot start any token"),
        ("a: \0", "not valid YAML: unacceptable character #x0000"),
        ("a: \ud800", "not valid YAML: unacceptable character #xd800"),
        ("a: &x 1", "line 1: anchors and aliases (& and *) are not allowed"),
        ("a: *x", "line 1: anchors and aliases (& and *) are not allowed"),
        (
            "a:\n  - !!python/object:os.system x",
            "line 2: the tag tag:yaml.org,2002:python/object:os.system is not allowed",
        ),
        ("a: 1\na: 2", "line 2: the key 'a' is given twice"),
        ("? [a]\n: b", "line 1: a key must be text"),
        ("[" * 30 + "]" * 30, "line 1: nested deeper than 20 levels"),
    ],
)
def test_what_can_surprise_or_explode_is_refused_with_its_line(source: str, problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        plain.load(source)
    assert str(caught.value).startswith(problem)
