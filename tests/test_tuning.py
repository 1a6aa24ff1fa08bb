"""Trying texts, tuning phrases, and importing other vendors' rules, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples import book
from pytest_callqa import RuleBook, cli
from pytest_callqa.errors import BadInput
from pytest_callqa.tuning import Labelled, Score, read_labelled, try_text, tune
from pytest_callqa.vendors import read_rules, write_book

PHRASES = """
language: en
light: [i, am, it, the, that, to, my]
phrases:
  apology: {any: [i am very sorry, please accept apologies], unless: very sorry not, threshold: 100}
  farewell: {parts: {thanks: thank you, goodbye: goodbye}}
"""
CATEGORY = Path(__file__).parent / "data/calls/transcribe_call_analytics/category_rules.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder one stands in, with a rule book."""
    (tmp_path / "mine/phrases").mkdir(parents=True)
    (tmp_path / "mine/phrases/en.yaml").write_text(PHRASES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labelled(*rows: tuple[str, bool], groups: int = 40) -> list[Labelled]:
    return [Labelled(text, positive, str(group)) for group in range(groups) for text, positive in rows]


# --- try ----------------------------------------------------------------------------------


def test_try_shows_what_is_heard_and_what_came_nearest() -> None:
    phrases = book(PHRASES + "  strict: {any: [zebra quartz ~100], threshold: 60}\n")
    assert try_text(phrases, "en", "Well, I'm Bob. I am very sorry. Goodbye") == [
        "heard:",
        "  apology: 100, “I am very sorry” at 15-30",
        "  farewell (goodbye): 100, “Goodbye” at 32-39",
    ]
    assert try_text(phrases, "en", "I am sorry") == [
        "heard: nothing",
        "nearest misses:",
        "  apology: 64, “I am sorry” at 0-10, needs 100",
    ]
    assert try_text(phrases, "en", "I am very sorry not")[2:] == [
        "  apology: 100, “I am very sorry” at 0-15, silenced by `unless`: very sorry not"
    ]
    assert try_text(phrases, "en", "zebra quarts")[2].endswith("needs more by its own ~")
    assert try_text(phrases, "en", "xylophone") == ["heard: nothing"]


def test_try_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["phrases", "try", "i am very sorry", "--book", "mine"]) == cli.CLEAN
    assert "apology: 100" in capsys.readouterr().out
    assert cli.main(["phrases", "try", "对不起", "--organisation", "Acme"]) == cli.CLEAN
    assert "apology: 100" in capsys.readouterr().out
    assert cli.main(["phrases", "try", "je suis", "--language", "fr", "--book", "mine"]) == cli.USAGE
    assert "no phrases in 'fr'; there are some in en" in capsys.readouterr().err
    assert cli.main(["phrases"]) == cli.USAGE
    assert "ACTION" in capsys.readouterr().out


# --- tune ---------------------------------------------------------------------------------


def test_a_threshold_and_wordings_are_proposed_and_scored_on_other_groups() -> None:
    rows = labelled(
        ("i am very soory", True), ("that was my bad", True), ("no problem", False), ("it was the other one", False)
    )
    found = tune(book(PHRASES), "en", "apology", rows)
    assert found.threshold == 100
    assert found.best_threshold < 100
    assert [wording for wording, _ in found.wordings] == ["that was my bad"]
    assert found.before.recall == 0
    assert found.with_threshold.recall == 0.5
    assert found.with_wordings == Score(2 * len({r.group for r in rows if r.held_out}), 0, 0)
    assert found.tuned_on + found.scored_on == len(rows)
    told = "\n".join(found.lines())
    assert "threshold 100 (now):       precision 1.000, recall 0.000, F1 0.000" in told
    assert "- that was my bad    # as in “that was my bad”" in told


def test_what_is_scored_on_changes_no_proposal() -> None:
    rows = labelled(("i am very soory", True), ("no problem", False))
    turned = [
        Labelled("no problem" if said.positive else "my bad", said.positive, said.group) if said.held_out else said
        for said in rows
    ]
    one, other = (tune(book(PHRASES), "en", "apology", each) for each in (rows, turned))
    assert (one.best_threshold, one.wordings) == (other.best_threshold, other.wordings)
    assert one.with_threshold != other.with_threshold


def test_wordings_are_kept_to_a_few() -> None:
    words = [f"{a}{b}" for a in "abcd" for b in "wxyz"]
    rows = labelled(*((f"{word * 3} {word * 4}", True) for word in words), ("no problem", False), groups=20)
    assert len(tune(book(PHRASES), "en", "apology", rows).wordings) == 8


def test_a_phrase_that_is_right_is_left_alone() -> None:
    found = tune(book(PHRASES), "en", "apology", labelled(("i am very sorry", True), ("no", False)))
    assert (found.best_threshold, found.wordings) == (100, ())
    assert len(found.lines()) == 4


@pytest.mark.parametrize(
    ("phrase", "rows", "said"),
    [
        ("apologies", [], r"no phrase is called 'apologies'\. Did you mean 'apology'\?"),
        ("farewell", [], "'farewell' is in parts"),
        ("apology", labelled(("i am very sorry", True)), "too few groups to tune on: .* both answers are needed"),
        ("apology", [Labelled("a", True, "0"), Labelled("b", False, "0")], "too few groups to "),
    ],
)
def test_what_cannot_be_tuned_is_told(phrase: str, rows: list[Labelled], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        tune(book(PHRASES), "en", phrase, rows)


def test_scores_of_nothing_are_no_division() -> None:
    assert (Score(0, 0, 0).precision, Score(0, 0, 0).recall, Score(0, 1, 1).f1) == (1, 1, 0)


def test_labels_are_answers_or_names_of_phrases(tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_text("said,what,call\na,yes,1\nb,apology|other,1\nc,other,2\nd,0,2\n", encoding="utf-8")
    rows = read_labelled(file, "apology", text="said", label="what", group="call")
    assert [(row.text, row.positive, row.group) for row in rows] == [
        ("a", True, "1"),
        ("b", True, "1"),
        ("c", False, "2"),
        ("d", False, "2"),
    ]
    with pytest.raises(BadInput, match=r"no column 'text'; name it with --text\. It has said, what, call"):
        read_labelled(file, "apology")
    with pytest.raises(BadInput, match="cannot be read as CSV"):
        read_labelled(tmp_path, "apology")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, sign: str) -> None:
    file = tmp_path / "said.csv"
    rows = ["text,label,group", "i am sorry,yes,a", "no,no,b"]
    file.write_text("\r\n".join(row.replace(",", sign) for row in rows), encoding="utf-8-sig")
    assert read_labelled(file, "apology") == [Labelled("i am sorry", True, "a"), Labelled("no", False, "b")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"no column 'text'; name it with --text\. It has none"),
        (b"Text,label,group\na,1,a", r"no column 'text'; name it with --text\. Did you mean 'Text'\?"),
        (b"text,label,group\na,nein,1\nb,ja,2", r"no label says yes \(1, yes, true, x\) or apology; they say ja, nein"),
        (b"text,label,group\na,no,1\n", r"no label says yes .*; they say no"),
        (b"text,label,group\na,yes,\n", r"line 2: no group; the halves are made of whole groups"),
        (b"text,label,group\na,yes\n", r"line 2: no group"),
        (b"text,label,group\nm\xfch,yes,1\n", r"cannot be read as CSV: .*; save it as CSV in UTF-8"),
    ],
)
def test_a_table_that_tells_nothing_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "said.csv"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=told):
        read_labelled(file, "apology")


def test_texts_in_both_halves_are_told_from_those_that_were_not_tuned_on() -> None:
    rows = labelled(("i am very sorry", True), ("no problem", False))
    same = tune(book(PHRASES), "en", "apology", rows)
    assert same.unseen == 0
    assert same.lines()[-1].startswith("  every text scored is also among those tuned on")
    other = next(said.group for said in rows if said.held_out)
    more = [*rows, Labelled("I am very, very sorry.", True, other), Labelled("terribly sorry", True, other)]
    found = tune(book(PHRASES), "en", "apology", more)
    assert (found.unseen, found.on_unseen) == (2, Score(1, 0, 1))
    assert found.lines()[-1] == (
        "  on 2 texts that were not among those tuned on: precision 1.000, recall 0.500, F1 0.667"
    )


def test_tune_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"i am very soory,1,{group}\nno,0,{group}" for group in range(20)]
    (folder / "said.csv").write_text("text,label,group\n" + "\n".join(rows), encoding="utf-8")
    command = ["tune", "said.csv", "--phrase", "apology", "--book", "mine"]
    assert cli.main(command) == cli.CLEAN
    assert "apology: tuned on " in capsys.readouterr().out
    assert cli.main([*command, "--language", "fr"]) == cli.USAGE


# --- import -------------------------------------------------------------------------------


def test_a_transcribe_category_becomes_a_rule_and_what_cannot_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["phrases", "import", str(CATEGORY), "-o", "theirs"]) == cli.CLEAN
    said = capsys.readouterr().out
    assert "not imported: my-new-category, rule 1, InterruptionFilter:" in said
    assert "not imported: my-new-category, rule 3, SentimentFilter:" in said
    rules = RuleBook.load(folder / "theirs")
    assert [rule.title for rule in rules] == ["my-new-category"]
    text = (folder / "theirs/test_imported.py").read_text()
    assert "assert not call.everyone.says(phrases.my_new_category_4).before(10)" in text
    assert "call.silences(20) if silence.start >= call.end * 0.1 and silence.start < call.end * 0.8]" in text
    assert cli.main(["phrases", "import", str(CATEGORY), "-o", "theirs"]) == cli.USAGE
    assert "exists already" in capsys.readouterr().err


def test_time_ranges_speakers_and_several_categories(tmp_path: Path) -> None:
    absolute = {"StartTime": 1000, "EndTime": 5000, "Last": 2000}
    document = {
        "Categories": [
            {
                "CategoryName": "Greets (well)",
                "Rules": [
                    {
                        "TranscriptFilter": {
                            "Targets": ["hello $"],
                            "ParticipantRole": "AGENT",
                            "AbsoluteTimeRange": absolute,
                        }
                    },
                    {"TranscriptFilter": {"Targets": ["bye"], "RelativeTimeRange": {"First": 10, "Last": 20}}},
                    {"NonTalkTimeFilter": {"Negate": True}},
                ],
            },
            {"Rules": [{"TranscriptFilter": {"Targets": ["..."]}}, {"NewFilter": 1}, "odd"]},
        ]
    }
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    imported = read_rules(file)
    assert imported.phrases == {"greets_well_1": ["hello"], "greets_well_2": ["bye"]}
    [rule] = imported.rules
    assert "call.agent.says(phrases.greets_well_1).after(call.end - 2).after(1).before(5)" in rule
    assert "call.everyone.says(phrases.greets_well_2).before(call.end * 0.1).after(call.end - call.end * 0.2)" in rule
    assert "assert not [silence for silence in call.silences(0)]" in rule
    assert imported.left_out == [
        'category_2_1: "..." holds no words',
        "category 2, rule 1, TranscriptFilter: it has no phrases",
        "category 2, rule 2, NewFilter: this kind of filter is not known",
    ]


@pytest.mark.parametrize(
    ("name", "text", "phrases"),
    [
        (
            "closing.txt",
            "thank you for calling\n\nhave a (nice) day.\n",
            {"closing": ["thank you for calling", "have a nice day"]},
        ),
        (
            "x.json",
            '{"Say sorry": ["sorry", 1], "2 bad": ["hey"], "n": ["/"]}',
            {"say_sorry": ["sorry"], "list_2_bad": ["hey"]},
        ),
        (
            "y.json",
            '{"问候": ["您好"], "结束": ["再见"], "Über": ["a"], "uber": ["b"], "class": ["c"], "names": ["d", "👍"]}',
            {
                "list": ["您好"],
                "list_2": ["再见"],
                "uber": ["a"],
                "uber_2": ["b"],
                "list_class": ["c"],
                "list_names": ["d"],
            },
        ),
        (
            "points.txt",
            "- how may i help you\n2. thank you\n24 hours\n",
            {"points": ["how may i help you", "thank you", "24 hours"]},
        ),
        ("some.json", '["a b"]', {"some": ["a b"]}),
    ],
)
def test_lists_of_phrases(tmp_path: Path, name: str, text: str, phrases: dict[str, list[str]]) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    imported = read_rules(file)
    assert imported.phrases == phrases
    write_book(imported, tmp_path / "out", source=name, language="en")
    assert len(list(RuleBook.load(tmp_path / "out"))) == len(phrases)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "holds neither"), (b"[1", "not valid JSON"), (b"\xff", "cannot be read"), (b"a" * 5_000_001, "larger than")],
)
def test_what_is_no_list_of_rules_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "rules"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_rules(file)


def test_a_table_is_no_list_of_phrases(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("phrase,category\nthank you,greeting\n", encoding="utf-8")
    with pytest.raises(BadInput, match="is a table; give the column with the phrases as text"):
        read_rules(tmp_path / "list.csv")


def test_categories_of_the_same_name_are_two_rules(tmp_path: Path) -> None:
    rules = [{"TranscriptFilter": {"Targets": ["hello"]}}]
    categories = [{"CategoryName": name, "Rules": rules} for name in ("a b", "a-b")]
    (tmp_path / "rules.json").write_text(json.dumps({"Categories": categories}), encoding="utf-8")
    imported = read_rules(tmp_path / "rules.json")
    assert imported.phrases == {"a_b_1": ["hello"], "a_b_2_1": ["hello"]}
    write_book(imported, tmp_path / "out", source="rules.json", language="en")
    assert [rule.title for rule in RuleBook.load(tmp_path / "out")] == ["a b", "a-b"]
