"""The page: what it shows, what it withstands, and how it is written."""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.errors import BadInput
from pytest_callqa.report import html
from pytest_callqa.report.html import write_html
from pytest_callqa.report.text import spoken, visible
from pytest_callqa.verdict import Evidence
from report_ledgers import HOSTILE, RUDE, RUN, TALK, UNREAD, entry, hostile, judged, write

VOID = {"meta", "path", "rect", "br", "input"}


class Page(HTMLParser):
    """A page read back: elements with their attributes and text, checked to be well nested."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1][0] if self._open else ""
        if inside not in ("script", "style"):
            self.texts.append((" ".join(e[1].get("class", "") for e in self._open), data))

    @property
    def text(self) -> str:
        """All the text people see, with a space between elements."""
        return re.sub(r"\s+", " ", " ".join(data for _, data in self.texts))

    def inside(self, name: str) -> str:
        """The text inside elements of a class."""
        return "".join(data for classes, data in self.texts if name in classes.split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def page(folder: Path, *lines: ledger.LedgerLine, run: ledger.Run = RUN, end: bool = True) -> Page:
    write_html([write(folder / "ledger.jsonl", *lines, run=run, end=end)], folder / "report.html")
    return Page((folder / "report.html").read_text(encoding="utf-8"))


# -- what it shows


def test_the_head_figures_and_the_tables_are_in_the_page_itself(tmp_path: Path) -> None:
    shown = page(tmp_path, entry("good", "ppmp"), RUDE, UNREAD)
    for told in (
        "Test book",
        "2 calls judged by 4 rules, version 0123456789ab , 2026-11-02 06:00:00 UTC",
        "Rules kept 60 % 3 of 5, 95 % interval 23–88 %",
        "Mean score 50 of 100 50 before critical breaches set a call to 0",
        "Critical breaches 1 call 50 % of all calls; each scores 0",
        "Failing calls 1 of 2 2 broken rules at 3 moments",
        "Not judged 2 verdicts 0 undecided, 2 not assessed; 1 call could not be read",
        "1.2 Swearing is met with an apology critical 1 call, 2 moments",
        "rude at 0:04.5: Damn : the agent's reply says sorry: not found",
        "1 Manners 50 % 15–85",
        "calls/tuesday.vtt line 311 the times run backwards",
    ):
        assert told in shown.text, told
    assert "None" not in shown.text


def test_rates_are_drawn_with_their_interval_and_told_in_words(tmp_path: Path) -> None:
    shown = page(tmp_path, *(entry(f"c{n}", "fpmn" if n else "ppmn") for n in range(4)))
    marks = {path["d"] for path in shown.all("path")}
    assert "M5.5 8H83.9M5.5 4.5V11.5M83.9 4.5V11.5" in marks
    assert "25 % 5–70" in shown.text


def test_a_run_that_did_not_finish_is_told_before_any_figure(tmp_path: Path) -> None:
    shown = page(tmp_path, entry("a", "p---"), end=False)
    assert "INCOMPLETE: the run did not finish. It holds 1 of 4 verdicts" in shown.text
    assert shown.text.index("INCOMPLETE") < shown.text.index("Rules kept")
    assert "Not run" in shown.text
    assert "Finished no, the run did not finish" in shown.text


def test_a_clean_run_says_so_plainly(tmp_path: Path) -> None:
    shown = page(tmp_path, entry("good", "pppp"))
    for told in (
        "No rule was broken",
        "No call broke a rule.",
        "Nothing: every call held the data",
        "None: every call was read.",
    ):
        assert told in shown.text
    assert "INCOMPLETE" not in shown.text
    assert not shown.all("form")


def test_an_empty_run_has_no_figures_but_a_page(tmp_path: Path) -> None:
    shown = page(tmp_path, run=msgspec.structs.replace(RUN, rules=(), started="", mode="", tool=""))
    assert "no verdict passed or failed" in shown.text
    assert "no call was scored" in shown.text
    assert "No call was judged." in shown.text


def test_what_was_not_judged_is_grouped_by_reason(tmp_path: Path) -> None:
    shown = page(
        tmp_path,
        entry("a", "upme", doubts={"the wait is 4.8 s against 5 s": ["1.1"]}),
        entry("b", "upmp", doubts={"the wait is 4.9 s against 5 s": ["1.1"]}, limits=("no holds",), format="srt"),
    )
    for told in (
        "Rules that broke",
        "broke 2.1 1 1 2.1",
        "the wait is 4.8 s against 5 s and alike 2 1 1.1",
        "1.3 Friendly 2 calls",
    ):
        assert told in shown.text, told
    assert "no holds srt, 1 call" in shown.text


def test_agents_stand_against_sections_and_small_samples_are_fractions(tmp_path: Path) -> None:
    calls = [entry(f"ann-{n}", "pnmp" if n else "fnmp", agent="Ann") for n in range(10)]
    shown = page(tmp_path, *calls, entry("new", "fnmn", agent="Bo"), entry("nobody", "nnmn"))
    cells = re.findall(r'<td class="heat (\w+)"[^>]*>([^<]+)<', shown.source)
    assert cells[:4] == [("h0", "95 %"), ("h1", "90 %"), ("h0", "100 %"), ("few", "0/1")]
    assert "Bo few calls" in shown.text
    assert "not named few calls" in shown.text


@pytest.mark.parametrize(
    ("passed", "step"), [(100, "h0"), (95, "h0"), (90, "h1"), (80, "h2"), (60, "h3"), (59, "h4"), (0, "h4")]
)
def test_cells_are_coloured_in_five_steps(tmp_path: Path, passed: int, step: str) -> None:
    calls = [entry(f"c{n}", "pnnn" if n < passed else "fnnn", agent="Ann") for n in range(100)]
    assert f'<td class="heat {step}"' in page(tmp_path, *calls).source


def test_a_failing_call_has_its_verdicts_and_its_transcript(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE)
    for told in (
        "file calls/day.jsonl · team North · started 2026-11-01 09:00:00 UTC · length 0:11.0",
        "1.2 Swearing is met with an apology the agent's reply says sorry: not found; nearest: “So what.”",
        "2 of 3 moments test_rules.py:37",
        "0:02.5 customer Damn 1.2 , it broke. silence 5.2 s 1.2 0:09.7 agent So what 1.2 .",
        "Not assessed 1.3 Not applicable 2.1",
    ):
        assert told in shown.text, told
    assert re.findall(
        r"<mark([^>]*)>([^<]*)</mark>", shown.source.split('<div class="talk"')[1].split("</details>")[0]
    ) == [
        ("", "Damn"),
        (' class="near" title="nearest to what was sought"', "So what"),
    ]


def test_a_call_may_lack_about_everything(tmp_path: Path) -> None:
    bare = entry(
        "bare", "fenu", found={"1.2": ledger.Found(reason="the rule broke", start=3.0)}, doubts={"no times": ["2.1"]}
    )
    late = entry(
        "turns",
        "fnnn",
        found={"1.1": ledger.Found(reason="r", evidence=(Evidence("a", holds=False, turn=1),))},
        turns=TALK,
    )
    inside = entry(
        "inside",
        "fnnn",
        turns=(ledger.Line("robot", 0.0, 9.0, "Hm"), ledger.Line("agent", None, None, "Ja")),
        silences=((2.0, 6.0),),
    )
    shown = page(tmp_path, bare, late, inside)
    for told in (
        "The ledger holds no transcript of this call.",
        "error at 0:03.0",
        "turn 2",
        "silence 4.0 s, within this turn",
    ):
        assert told in shown.text, told
    assert 'class="turn unknown"' in shown.source


def test_only_the_worst_are_shown_and_the_page_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.report.counting.WORST_CALLS", 1)
    monkeypatch.setattr("pytest_callqa.report.model.UNREAD_SHOWN", 1)
    for name in ("AGENTS_SHOWN", "FINDINGS_SHOWN", "REASONS_SHOWN"):
        monkeypatch.setattr(html, name, 1)
    doubts = {"no times": ["2.1"], "no roles": ["1.3"]}
    shown = page(tmp_path, RUDE, entry("b", "fpuu", agent="Bo", doubts=doubts), entry("c", "ppfp"), UNREAD, UNREAD)
    for told in (
        "The 1 worst of 3 failing calls are here. The ledger holds them all; for the others, judge fewer calls",
        "The 1 lowest of 3 agents.",
        "2 more broken clauses below",
        "1 rarer reason left out",
        "2 calls could not be read; the first 1 are here",
    ):
        assert told in shown.text, told
    assert len(shown.all("article")) == 1


def test_an_example_that_is_not_among_the_calls_shown_is_named_without_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_callqa.report.counting.WORST_CALLS", 1)
    shown = page(tmp_path, RUDE, entry("minor", "ppfp"))
    assert "minor : broke 1.3" in shown.text
    assert ">minor</bdi></a>" not in shown.source


def test_several_ledgers_are_one_page(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, RUDE) for name in ("a.jsonl", "b.jsonl")]
    write_html(paths, tmp_path / "report.html")
    shown = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    digest = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert shown.text.count(digest) == 2
    assert "Repeated 1 call in more than one ledger, counted once" in shown.text


@pytest.mark.parametrize(
    ("language", "tag"), [("zh", "zh"), ("zh-Hant-TW", "zh-Hant-TW"), ("", "und"), ('en" x="', "und")]
)
def test_a_transcript_is_in_the_language_of_its_call(tmp_path: Path, language: str, tag: str) -> None:
    shown = page(tmp_path, entry("a", "fnmn", language=language, turns=TALK))
    assert [talk["lang"] for talk in shown.all("div") if talk.get("class") == "talk"] == [tag]


# -- what it withstands


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_in_every_field_stays_text(tmp_path: Path, payload: str) -> None:
    run, lines = hostile(payload)
    shown = page(tmp_path, *lines, run=run)
    plain = page(tmp_path, *(hostile("harmless")[1]), run=hostile("harmless")[0])
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attributes) for _, attributes in shown.elements] == [
        sorted(attributes) for _, attributes in plain.elements
    ]
    assert shown.inside("words").startswith(spoken(payload)) or spoken(payload) in shown.inside("words").replace(
        "1.2", "", 1
    )
    assert shown.inside("id") == visible(payload)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown.source)


def test_no_attribute_can_run_script_or_carry_style(tmp_path: Path) -> None:
    run, lines = hostile(HOSTILE[0])
    for _, attributes in page(tmp_path, *lines, run=run).elements:
        assert not {
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")
        }
        assert attributes.get("href", "#").startswith("#")


def test_a_turn_of_a_megabyte_is_kept_whole(tmp_path: Path) -> None:
    words = "naïve " * 175_000
    shown = page(tmp_path, entry("long", "fnmn", turns=(ledger.Line("agent", 0.0, 9.0, words),)))
    assert shown.inside("words") == words


def test_the_policy_allows_only_the_pages_own_style_and_script(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE)

    def hashed(tag: str) -> str:
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", shown.source, re.DOTALL)
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    (policy,) = [meta["content"] for meta in shown.all("meta") if "http-equiv" in meta]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashed('script')}'; style-src 'sha256-{hashed('style')}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert [meta.get("charset", meta.get("http-equiv")) for meta in shown.all("meta")][:2] == [
        "utf-8",
        "Content-Security-Policy",
    ]
    assert "</" not in "".join(
        path.read_text(encoding="utf-8") for path in (html._FILES / "report.js", html._FILES / "report.css")
    )


def test_ids_are_unique_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE, entry("b", "ffff", turns=TALK), entry("c", "fnme"))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in shown.all("a")} <= set(ids)
    assert {a["aria-labelledby"] for _, a in shown.elements if "aria-labelledby" in a} <= set(ids)


def test_every_table_names_itself_and_its_heads(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE, UNREAD, entry("u", "uppe", doubts={"why": ["1.1"]}))
    assert len(shown.all("table")) == 6
    assert all("scope" in head for head in shown.all("th"))
    assert shown.all("html") == [{"lang": "en"}]


# -- how it is written


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    path = judged(tmp_path)
    for name in ("one.html", "two.html"):
        write_html([path], tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert b"\r" not in (tmp_path / "one.html").read_bytes()


def test_only_the_owner_can_read_it_and_folders_are_made(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "report.html"
    write_html([judged(tmp_path)], out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out" / "report.html"
    out.parent.mkdir()
    out.write_text("the old one", encoding="utf-8")

    def broken(*_: object) -> Iterator[str]:
        yield "half of"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(html, "_page", broken)
    with pytest.raises(BadInput, match=r"report\.html: cannot be written: No space left on device; name another place"):
        write_html([judged(tmp_path)], out)
    assert [(path.name, path.read_text(encoding="utf-8")) for path in out.parent.iterdir()] == [
        ("report.html", "the old one")
    ]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be written"):
        write_html([judged(tmp_path)], tmp_path / "file" / "report.html")


def test_a_bad_ledger_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        write_html([tmp_path / "missing.jsonl"], tmp_path / "report.html")
    assert not list(tmp_path.iterdir())
