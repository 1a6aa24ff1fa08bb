"""Phrases by likeness of meaning: with a small model made here, since none can be fetched."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from pytest_callqa import PhraseBook, semantic
from pytest_callqa.cli import main
from pytest_callqa.errors import BadBook, BadInput

ALIKE = ("[UNK]", "anything|further|additional", "help|assist|aid", "sorry|regret", "charge|fee", "not|never")
"""Words of one meaning; those of different ones have nothing in common."""

BOOK = """
language: en
semantic: ../model
phrases:
  anything_else:
    any: [anything help, "[can] anything ..2 help"]
    unless: [not help]
    meaning: 80
  apology: sorry
"""


@pytest.fixture
def book(tmp_path: Path) -> PhraseBook:
    words = {word: number for number, word in enumerate(word for group in ALIKE for word in group.split("|"))}
    vectors = np.zeros((len(words), len(ALIKE)), np.float32)
    for meaning, group in enumerate(ALIKE):
        for word in group.split("|"):
            vectors[words[word], meaning] = meaning > 0
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    StaticModel(vectors, tokenizer).save_pretrained(str(tmp_path / "model"))
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.yaml").write_text(BOOK, encoding="utf-8")
    return PhraseBook.load(tmp_path / "phrases")


def test_a_sentence_that_means_the_same_is_heard_whole(book: PhraseBook) -> None:
    text = "Right. Any further aid? Bye."
    [hit] = book.matcher("en").hits(text)["anything_else"]
    assert (text[hit.start : hit.end], round(hit.score)) == ("Any further aid", 100)
    assert book.matcher("en").hits("additional assist … additional aid")["anything_else"][1].start == 20


@pytest.mark.parametrize(
    "text",
    ["regret", "a fee", "hm", "further aid never", "", "..."],
    ids=["a phrase without `meaning`", "another meaning", "no meaning", "more like its guard", "nothing", "no word"],
)
def test_what_means_something_else_is_not(book: PhraseBook, text: str) -> None:
    assert book.matcher("en").hits(text) == {}


def test_words_come_first(book: PhraseBook) -> None:
    text = "Anything else to help? Further aid?"
    [hit] = book.matcher("en").hits(text)["anything_else"]
    assert text[hit.start : hit.end] == "Anything else to help"


def test_it_is_tried_like_any_other(book: PhraseBook, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phrases", "try", "further aid", "--book", str(tmp_path)]) == 0
    assert "anything_else: 100, “further aid” at 0-11" in capsys.readouterr().out


def test_without_a_model_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text(BOOK.replace("semantic: ../model\n", ""), encoding="utf-8")
    assert PhraseBook.load(tmp_path).matcher("en").hits("further aid") == {}


def test_a_model_that_is_not_there_is_said(book: PhraseBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    semantic._model.cache_clear()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "model2vec", None)
        with pytest.raises(BadInput, match=r"pip install 'pytest-callqa\[semantic\]'"):
            book.matcher("en")
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(BadInput, match=r"holds no model2vec model \(\w+\)"):
        book.matcher("en")
    (tmp_path / "model").rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="is no folder: put it there, or remove `semantic`"):
        book.matcher("en")


def test_likeness_alone_convicts_nobody_and_parts_have_none() -> None:
    text = """
language: en
forbidden: [curse]
phrases:
  curse: {any: damn, meaning: 80}
  greeting: {parts: {hello: hello}, meaning: 80}
"""
    with pytest.raises(BadBook) as caught:
        PhraseBook.parse({"en.yaml": text})
    assert str(caught.value).splitlines()[1:] == [
        "  - en.yaml, line 3: curse is forbidden, and likeness convicts nobody; remove its `meaning`",
        "  - en.yaml, line 6: greeting is heard in parts, which have no meaning; remove `meaning`",
    ]
