"""The controller's side: verdicts into the ledger, words into the terminal, the report at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_callqa import ledger
from pytest_callqa.errors import BadInput, Unwritten
from pytest_callqa.plugin.excuses import KNOWN, NOT_GATED, Excuses
from pytest_callqa.plugin.matrix import FACTS, UNWRITTEN, or_end_the_run
from pytest_callqa.plugin.once import files
from pytest_callqa.plugin.settings import Settings
from pytest_callqa.resume import before, make_way, settle
from pytest_callqa.supervisor import sigterm_as_ctrl_c
from pytest_callqa.verdict import Outcome
from pytest_callqa.whole import left_there

if TYPE_CHECKING:
    from pytest_callqa.report.figures import Summary

NOT_REACHED = "not reached"
"""How a rule ended that applied in none of the generated conversations."""

_STATUS = {
    KNOWN: ("known", "k", ("KNOWN", {"yellow": True})),
    NOT_GATED: ("not gated", "g", ("NOT GATED", {"yellow": True})),
    Outcome.WAIVED: ("waived", "w", ("WAIVED", {"yellow": True})),
    NOT_REACHED: ("not reached", "r", ("NOT REACHED", {"yellow": True})),
    Outcome.NOT_APPLICABLE: ("not applicable", "n", ("NOT APPLICABLE", {"cyan": True})),
    Outcome.UNDECIDED: ("undecided", "u", ("UNDECIDED", {"yellow": True})),
    Outcome.NOT_ASSESSED: ("not assessed", "m", ("NOT ASSESSED", {"yellow": True})),
}
_TROUBLE = ("error", "E", ("ERROR", {"red": True}))
_UNREADABLE = ("unreadable", "E", ("UNREADABLE", {"red": True}))


TROUBLE = "trouble"
"""The outcome of a rule that could not be tried, because the bot or the book is broken."""


class Recorder:
    """Reads the verdicts off the test reports. Not registered on xdist's workers."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self._pending: dict[tuple[str, str], list[ledger.Entry]] = {}
        self._letters: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(dict)
        self._unread: Counter[str] = Counter()
        self._told: list[str] = []
        self._through = False
        self._unwritten = ""
        self._timed = config.option.durations is not None
        held = ExitStack()
        config.add_cleanup(held.close)
        try:
            held.enter_context(ledger.alone(settings.ledger))
            make_way(settings.ledger, resume=settings.resume)
            held.callback(settle, settings.ledger)
        except BadInput as error:
            raise pytest.UsageError(f"--callqa-ledger: {error}") from None
        for old in files(settings.ledger):
            old.unlink(missing_ok=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Outcomes of their own for what is neither passed nor failed."""
        facts = getattr(report, FACTS, None)
        if not facts:
            return None
        if "unread" in facts:
            return _UNREADABLE
        if facts.get("outcome") == TROUBLE:
            return _TROUBLE
        return _STATUS.get(facts.get("outcome")) if report.skipped else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Write a call's line once all its verdicts are in, before anybody is told."""
        facts = getattr(report, FACTS, None)
        if facts:
            self._record(facts)
        yield
        if facts is not None and report.when != "call":
            self._forget(report)

    def _forget(self, report: pytest.TestReport) -> None:
        """Let the terminal not keep the setup or teardown of a cell that has nothing to show.

        It keeps them all to the end of the run, and looks through all of them for each failure.
        """
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        kept = reporter.stats.get("") if reporter is not None else None
        if kept and kept[-1] is report and not report.sections and not self._timed:
            kept.pop()

    def _record(self, facts: dict[str, Any]) -> None:
        if "unread" in facts:
            self._note_unread(msgspec.convert(facts["unread"], ledger.Unread))
        if "letter" in facts:
            file, call, place, letter = facts.pop("letter")  # the terminal keeps the report with its facts
            self._letters[file, call][place] = letter
            self._write_when_whole((file, call), facts["of"])
        for line in facts.pop("lines", ()):
            entry = ledger.decode(line.encode())
            if isinstance(entry, ledger.Unread):
                self._note_unread(entry)
            else:
                assert isinstance(entry, ledger.Entry)  # a test's facts are calls, read or not
                self._pending.setdefault((entry.file, entry.call), []).append(entry)
                self._write_when_whole((entry.file, entry.call), facts.get("of", 1))

    def _write_when_whole(self, call: tuple[str, str], of: int) -> None:
        known = self._pending.get(call)  # its first verdict comes as an entry; one that is told again, after the last
        if known and len(known) + len(self._letters[call]) >= of:
            self._write(self._merged(call))

    def _merged(self, call: tuple[str, str]) -> ledger.Entry:
        return ledger.merge_all(self._pending.pop(call), self._letters.pop(call, {}))

    def _note_unread(self, line: ledger.Unread) -> None:
        """A call that cannot be read is one line, however many rules wanted it."""
        key = f"{line.file}\0{line.place}"
        self._unread[key] += 1
        if self._unread[key] == 1:
            self._write(line)

    def _write(self, *lines: ledger.LedgerLine) -> None:
        with or_end_the_run(self.config):
            ledger.append(self.settings.ledger, *lines)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """A run that is told to end ends as with Ctrl-C: with its ledger, its summary and its report."""
        with sigterm_as_ctrl_c():
            result = yield
        self._through = True  # a second Ctrl-C hides the first from the exit status
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Hear from a worker of pytest-xdist that it could not write to the ledger."""
        self._unwritten = getattr(node, "workeroutput", {}).get(UNWRITTEN, self._unwritten)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what is left, end the ledger, make the report; unreadable calls are a failure."""
        if self._unwritten:
            self._told.append(f"ledger: {self._unwritten}")
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        if self.settings.ledger.exists():
            self._finish(session, exitstatus)
        elif session.exitstatus == pytest.ExitCode.INTERNAL_ERROR and self.settings.report is not None:
            self._told.append(f"report: {self.settings.report} was not written{left_there(self.settings.report)}")
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR and reporter is not None:  # pytest sums up no run that ends so
            self.pytest_terminal_summary(reporter)

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        from pytest_callqa.gate.decision import decide
        from pytest_callqa.gate.waivers import exhibit_of
        from pytest_callqa.provenance import files_read

        stopped = session.shouldstop or session.shouldfail
        through = self._through and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not stopped
        try:
            with ledger.Writer(self.settings.ledger) as writer:
                writer.write(*map(self._merged, list(self._pending)))
                writer.write(*filter(None, [exhibit_of(self.settings.ledger)]))
                if through:
                    also = [*self.settings.cases, *self.settings.attestations]
                    writer.write(*files_read(self.settings.ledger, also))
                    writer.write(ledger.End(finished=datetime.now(UTC).isoformat(timespec="seconds")))
            if through:
                before(self.settings.ledger).unlink(missing_ok=True)
        except Unwritten as error:
            # Else the run has ended for that very reason; the full disk of its tests takes their coverage too.
            if exitstatus != pytest.ExitCode.INTERNAL_ERROR:  # pragma: no branch
                self._told.append(f"ledger: {error}")
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        for scaffold in files(self.settings.ledger):
            scaffold.unlink(missing_ok=True)
        baseline = Excuses(self.settings).baseline
        self._decision = decide([self.settings.ledger], self.settings.gate, baseline, _name(self.settings.baseline))
        self._account_to_junit(self._decision.summary)
        if self._decision.stops and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.settings.report is not None:
            from pytest_callqa.report.html import write_html

            try:
                written = write_html([self.settings.ledger], self.settings.report, level=self.settings.report_text)
                self._told.append(f"report: {written}")
            except BadInput as error:
                self._told.append(f"report: {error}")
                session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def _account_to_junit(self, summary: Summary) -> None:
        """What became of all the verdicts, as properties of the suite: a run that was stopped leaves cases out."""
        from pytest_callqa.report.text import account

        for plugin in self.config.pluginmanager.get_plugins():
            add = getattr(plugin, "add_global_property", None)
            if add is not None:
                for name, number in account(summary).items():
                    add(f"callqa {name}", number)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say per section what was kept and broken, and where the report is."""
        decision = getattr(self, "_decision", None)
        lines = list(self._told)
        if decision is not None:
            from pytest_callqa.gate.telling import gate_lines
            from pytest_callqa.report.text import exhibit_lines, terminal_lines

            width = terminalreporter._tw.fullwidth
            summary = decision.summary
            tables = summary.exhibits if "comparison" in summary.modes else ()
            differences = [line for table in tables for line in ("", *exhibit_lines(table, width))]
            lines = [*terminal_lines(summary, width), *differences, "", *gate_lines(decision, width), *lines]
        if lines:
            terminalreporter.section("call quality")
        for line in lines:
            terminalreporter.write_line(line)


def _name(path: Path | None) -> str:
    return path.name if path is not None else ""
