"""The page: what it shows, what it withstands, and how it is written."""

from __future__ import annotations

import base64
import gzip
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
from pytest_callqa.report.text import visible
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


# -- what it shows without script


def test_the_head_figures_and_the_tables_are_in_the_page_itself(tmp_path: Path) -> None:
    shown = page(tmp_path, entry("good", "ppmp"), RUDE, UNREAD)
    for told in (
        "Test book",
        "2 calls judged by 4 rules · version 0123456789ab · 2026-11-02 06:00:00 UTC",
        "Rules kept 60 % 3 of 5, 95 % interval 23–88 %",
        "Mean score 50 of 100 50 before critical breaches set a call to 0",
        "Critical breaches 1 call 50 % of all calls; each scores 0",
        "Failing calls 1 call 50 % of all calls 2 broken rules at 3 moments",
        "Not judged 2 verdicts 0 undecided, 2 not assessed 1 call could not be read",
        "1.2 Swearing is met with an apology critical 1 call, 2 moments",
        "rude 0:04.5: Damn : the agent's reply says sorry: not found",
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
    assert "INCOMPLETE: the run did not finish. 3 of 4 verdicts were not given." in shown.text
    assert shown.text.index("INCOMPLETE") < shown.text.index("Rules kept")
    assert "Not run" in shown.text
    assert "Finished no, the run did not finish" in shown.text


def test_a_clean_run_says_so_plainly(tmp_path: Path) -> None:
    shown = page(tmp_path, entry("good", "pppp"))
    for told in ("No rule was broken", "Nothing: every call held the data", "None: every call was read."):
        assert told in shown.text
    assert "INCOMPLETE" not in shown.text
    assert "Calls to review first" not in shown.text


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


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_callqa.report.model.UNREAD_SHOWN", 1)
    for name in ("AGENTS_SHOWN", "FINDINGS_SHOWN", "REASONS_SHOWN"):
        monkeypatch.setattr(html, name, 1)
    doubts = {"no times": ["2.1"], "no roles": ["1.3"]}
    shown = page(tmp_path, RUDE, entry("b", "fpuu", agent="Bo", doubts=doubts), entry("c", "ppfp"), UNREAD, UNREAD)
    for told in (
        "All 3 failing calls",
        "The 1 lowest of 3 agents.",
        "2 more broken clauses",
        "1 rarer reason left out",
        "2 calls could not be read; the first 1 are here",
    ):
        assert told in shown.text, told


def test_a_call_that_broke_many_rules_names_the_worst(tmp_path: Path) -> None:
    rules = tuple(msgspec.structs.replace(RUN.rules[0], clause=f"1.{n}") for n in range(7))
    shown = page(tmp_path, entry("many", "fffffff", found={}), run=msgspec.structs.replace(RUN, rules=rules))
    assert "1.0 1.1 1.2 1.3 1.4 +2" in shown.text


def test_several_ledgers_are_one_page(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, RUDE) for name in ("a.jsonl", "b.jsonl")]
    write_html(paths, tmp_path / "report.html")
    shown = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    digest = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert shown.text.count(digest) == 2
    assert "Repeated 1 call in more than one ledger, counted once" in shown.text


# -- tables of other parts of a run

TEETH = ledger.Exhibit(
    view="rules",
    title="Teeth",
    note="A clause that misses says little.",
    figures=(("caught", 1234), ("share", 0.5), ("unknown", None)),
    columns=("clause", "caught", "call", "note"),
    rows=(("1.2", 7, "rude", "a <b>"), ("", 0, "", None)),
)
MENU = ledger.Exhibit(
    view="scenarios",
    title="Menu",
    edges=(("start", "sales", "1"), ("start", "help", "2"), ("help", "sales", ""), ("sales", "start", "back")),
)


def test_a_table_of_another_part_stands_in_its_view_with_links(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE, TEETH, MENU)
    assert "Teeth A clause that misses says little. Caught 1,234 Share 0.5 Unknown –" in shown.text
    assert "1.2 7 rude a <b>" in shown.text
    assert {"#clause?id=1.2", "#call?id=rude"} <= {link["href"] for link in shown.all("a")}
    assert "Nothing was measured of the rules" not in shown.text


def test_a_view_that_nothing_was_added_to_says_what_would_be_there(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE)
    assert "Nothing was measured of the rules themselves. `callqa teeth --ledger` adds" in shown.text
    assert "No scenario was generated in this run." in shown.text


def test_edges_are_drawn_and_told(tmp_path: Path) -> None:
    shown = page(tmp_path, MENU)
    assert "start start sales sales help help 1 2 back" in shown.text
    assert "From To By start sales 1 start help 2 help sales sales start back" in shown.text
    (drawing,) = [svg for svg in shown.all("svg") if svg["class"] == "graph"]
    assert drawing["aria-label"] == "Menu"


# -- since a former run


def test_a_page_compares_with_a_former_run(tmp_path: Path) -> None:
    then = [entry(f"c{n}", "pfmp" if n else "ppmp") for n in range(20)]
    now = [entry(f"c{n}", "ppmf" if n else "ppmp") for n in range(20)]
    old, new = write(tmp_path / "old.jsonl", *then), write(tmp_path / "new.jsonl", *now)
    write_html([new], tmp_path / "report.html", former=[old])
    shown = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    for told in (
        "Since the former run Compared with 2026-11-02 06:00:00 UTC, 20 calls .",
        "Of 20 calls judged by both: 19 verdicts newly failed, 19 fixed.",
        "2.1 A silent customer is asked again major newly broken 100 % (84–100 %) 5 % (1–24 %) −95.0",
        "1.2 Swearing is met with an apology critical fixed 5 % (1–24 %) 100 % (84–100 %) +95.0",
        "newly broken 2.1 c1",
    ):
        assert told in shown.text, told


def test_a_run_that_nothing_moved_in_says_so(tmp_path: Path) -> None:
    old = write(
        tmp_path / "old.jsonl", entry("other", "pppp"), run=msgspec.structs.replace(RUN, started="", version="older")
    )
    write_html([write(tmp_path / "new.jsonl", entry("a", "pppp"))], tmp_path / "report.html", former=[old])
    shown = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Compared with a run without a date , 1 call , by another version of the rule book older ." in shown.text
    assert "No clause moved by more than chance explains." in shown.text


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
    assert shown.inside("title") == visible(payload)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown.source)


def test_no_attribute_can_run_script_or_carry_style(tmp_path: Path) -> None:
    run, lines = hostile(HOSTILE[0])
    for _, attributes in page(tmp_path, *lines, run=run).elements:
        assert not {
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")
        }
        assert attributes.get("href", "#").startswith("#")


def test_the_policy_allows_only_the_pages_own_style_and_script(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE)

    def hashed(tag: str) -> str:
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", shown.source, re.DOTALL)  # the payloads have a type
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()

    (policy,) = [meta["content"] for meta in shown.all("meta") if "http-equiv" in meta]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashed('script')}'; style-src 'sha256-{hashed('style')}'; "
        "media-src 'self'; base-uri 'none'; form-action 'none'"
    )
    assert [meta.get("charset", meta.get("http-equiv")) for meta in shown.all("meta")][:2] == [
        "utf-8",
        "Content-Security-Policy",
    ]
    assert "</" not in html._script() + html._style()


def test_the_script_and_the_style_are_small_and_never_make_markup_of_text() -> None:
    assert len(gzip.compress(html._script().encode(), 9)) <= 15_000
    assert len(gzip.compress(html._style().encode(), 9)) <= 5_000
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|\.style\b", html._script()
    )


def test_ids_are_unique_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE, entry("b", "ffff", turns=TALK), entry("c", "fnme"))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    views = {"call", "calls", "clause", "clauses", "agent", "agents"}
    for place, asked, _ in (link["href"][1:].partition("?") for link in shown.all("a")):
        assert place in (views if asked else ids)
    assert {a["aria-labelledby"] for _, a in shown.elements if "aria-labelledby" in a} <= set(ids)


def test_every_table_names_itself_and_its_heads(tmp_path: Path) -> None:
    shown = page(tmp_path, RUDE, UNREAD, entry("u", "uppe", doubts={"why": ["1.1"]}))
    assert len(shown.all("table")) == 9
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

    monkeypatch.setattr(html._Page, "chunks", broken)
    with pytest.raises(
        BadInput,
        match=r"report\.html: cannot be written: No space left on device; what is there is the old one, of 20",
    ):
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


def test_waived_breaches_have_a_column_of_their_own_where_there_are_any(tmp_path: Path) -> None:
    plain = page(tmp_path, entry("good", "pppn"))
    waived = page(tmp_path, entry("old", "wppn"))
    assert "data-t>Waived</th>" not in plain.source
    assert "data-t>Waived</th>" in waived.source
