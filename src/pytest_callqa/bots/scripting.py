"""The format of an agent's script, checked as a whole when it is loaded. Its words are explained in docs/scripts.md."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pytest_callqa import plain
from pytest_callqa.call import EVENT_KINDS, Case, FollowUp
from pytest_callqa.errors import BadBook, BadInput, did_you_mean
from pytest_callqa.phrases import Matcher, PhraseBook
from pytest_callqa.rules import Code, find_root

SAYING = ("say", "ask", "offer", "explain", "leave")
"""Steps that say a line; ``ask`` wants an answer, ``offer`` welcomes anything, ``leave`` takes leave."""

VERBS = (*SAYING, "explain again", "wait", "hold", "write", "from now on", "transfer", "do", "hang up")
PARTS = (
    "languages", "rings for", "lines", "routines", "no", "courtesies", "opening", "situations", "matters", "otherwise",
    "otherwise after goodbye", "not heard", "silence", "silence after goodbye",
)  # fmt: skip
SITUATION = ("when", "hears", "line", "from", "until", "after", "before", "do")
_SILENCES = ("silence", "silence after goodbye")

_TIMES = {"opened", "closed", "handed_over", "second_line", "escalated", "deadline", "recovered"}
_FLAGS = {"difficult", "simple"}
_FIELDS = {*Case.__struct_fields__, "follow_up", "change"} - {"follow_ups", "changes", "id"}
_UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|days?)?")

AS_TOLD = "as told"
"""What is written when it is what the customer said."""


class Note(msgspec.Struct, frozen=True):
    """What is written in one field of the case: a text, the customer's own words, a time from now, or yes."""

    field: str
    texts: dict[str, str] = {}
    told: bool = False
    after: timedelta = timedelta()
    outcome: str = ""

    def on(self, case: Case, now: datetime, language: str, told: Mapping[str, str]) -> Case:
        """The case with this written on it. Who or what it goes to is dated, and so is its solution."""
        text = told.get(self.field, "") if self.told else said_in(self.texts, language)
        if case.kind == "complaint" and (self.field == "kind" or (self.field == "status" and text == "solved")):
            return case  # a complaint stays one, and open
        if self.field == "follow_up":
            visit = FollowUp(time=now + self.after, purpose=text, outcome=self.outcome)
            return replace(case, follow_ups=(*case.follow_ups, visit))
        if self.field == "change":
            return replace(case, changes=(*case.changes, text))
        if self.field in _TIMES:
            return replace(case, **{self.field: now + self.after})
        if self.field in _FLAGS:
            return replace(case, **{self.field: text == "yes"})
        dated = {"escalated_to": "escalated", "department": "handed_over"}.get(self.field)
        if self.field == "status" and text == "solved":
            dated = "closed"
        if self.field == "status" and text == "open":
            case = replace(case, closed=None)
        return replace(case, **{self.field: text, **({dated: now} if dated else {})})


class Step(msgspec.Struct, frozen=True):
    """One thing an agent does; ``seconds`` of a wait or a hold, ``texts`` by language of what is said.

    ``line`` is the name of what is said, if it has one; ``instead`` says from now on other texts under some names.
    Of a question: ``note`` is the field of the case for the answer, ``if_yes`` and ``if_no`` what follows it, after
    which it is asked again with ``until_yes``.
    """

    verb: str
    texts: dict[str, str] = {}
    line: str = ""
    instead: dict[str, dict[str, str]] = {}
    seconds: float = 0.0
    note: str = ""
    if_yes: tuple[Step, ...] = ()
    if_no: tuple[Step, ...] = ()
    until_yes: bool = False
    notes: tuple[Note, ...] = ()
    to: dict[str, str] = {}


class Situation(msgspec.Struct, frozen=True):
    """What brings steps about: phrases heard, or something on the ``line``; from its ``first`` to its ``last`` time.

    ``leaving`` is given if it counts only once the agent has taken leave, or only before.
    """

    name: str
    hears: frozenset[str] = frozenset()
    line: str = ""
    first: int = 1
    last: int = 1_000_000
    leaving: bool | None = None
    do: tuple[Step, ...] = ()


def said_in(texts: Mapping[str, str], language: str) -> str:
    """A text in a language, or the one for all."""
    return texts.get(language) or texts.get("", "")


@dataclass(frozen=True, eq=False)
class Script:
    """A script as read: see docs/scripts.md for what each part means."""

    languages: tuple[str, ...]
    phrases: PhraseBook
    slots: Mapping[str, Sequence[str]]
    rings_for: float = 0.0
    no: frozenset[str] = frozenset()
    courtesies: frozenset[str] = frozenset()
    opening: tuple[Step, ...] = ()
    situations: tuple[Situation, ...] = ()
    matters: tuple[Situation, ...] = ()
    otherwise: tuple[Step, ...] = ()
    otherwise_leaving: tuple[Step, ...] = ()
    not_heard: tuple[Step, ...] = ()
    silence: tuple[Step, ...] = ()
    after_goodbye: tuple[Step, ...] = ()

    @classmethod
    def load(cls, file: Path) -> Script:
        """Read a script; the rule book it belongs to is the nearest above it.

        Raises :class:`BadBook` with all faults at once, each with file and line.
        """
        try:
            table = plain.load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadBook([f"{file}: cannot be read: {error.strerror}"]) from None
        except UnicodeDecodeError:
            raise BadBook([f"{file}: not UTF-8 text; save it as UTF-8"]) from None
        except BadInput as error:
            raise BadBook([str(error.at(str(file)))]) from None
        root = find_root(file.resolve().parent)
        if root is None:
            raise BadBook([f"{file}: belongs to no rule book; put it beside a code.toml"])
        return _Reader(file, root / "phrases", Code.load(root / "code.toml")).script(table)

    def ear(self, language: str) -> Matcher:
        """What hears customers in a language: the phrases of the rule book and the script's own wordings."""
        return self.phrases.matcher(language, self.slots)


class _Reader(plain.Checked):
    """Reads the parts of a script and gathers all its faults."""

    def __init__(self, file: Path, folder: Path, code: Code) -> None:
        super().__init__(file)
        self.folder = folder
        self.phrases = PhraseBook.load(folder)
        self.slots = {"organisation": code.texts("organisation")}
        self.languages: tuple[str, ...] = ()
        self.lines: dict[str, dict[str, str]] = {}
        self.routines: dict[str, plain.Plain] = {}
        self.own: dict[str, dict[str, list[str]]] = {}
        self.inside: list[str] = []

    def script(self, table: plain.Plain) -> Script:
        """The script, or all that is wrong with it."""
        if not isinstance(table, dict):
            raise BadBook([f"{self.file}: a script is a table with parts such as `opening:` and `situations:`"])
        self.known(table, PARTS, "part of a script")
        self.languages = tuple(self.texts(table.get("languages", ""))) or self.phrases.languages
        for language in self.languages:
            if not self.phrases.speaks(language):
                self.fault(language, f"the rule book has no phrases in {str(language)!r}")
        self.lines = {
            str(name): self._by_language(body) for name, body in self.table(table.get("lines"), "lines:").items()
        }
        self.routines = dict(self.table(table.get("routines"), "routines:"))
        if "opening" not in table:
            self.fault(table, "no `opening:`; say there how the agent answers a call")
        parts = {
            name: self._steps(table.get(name, []))
            for name in ("opening", "otherwise", "otherwise after goodbye", "not heard", *_SILENCES)
        }
        for name in _SILENCES:
            if parts[name] and parts[name][0].verb != "wait":
                self.fault(table[name], f"`{name}:` begins with a wait, such as `- wait: 5`")
        script = Script(
            languages=self.languages,
            phrases=self.phrases,
            slots=self.slots,
            rings_for=self._span(table.get("rings for", "0")),
            no=self._hears(table.get("no", [])),
            courtesies=self._hears(table.get("courtesies", [])),
            opening=parts["opening"],
            situations=self._situations(table, "situations"),
            matters=self._situations(table, "matters"),
            otherwise=parts["otherwise"],
            otherwise_leaving=parts["otherwise after goodbye"],
            not_heard=parts["not heard"],
            silence=parts["silence"],
            after_goodbye=parts["silence after goodbye"],
        )
        phrases = self._with_own_wordings()
        if self.problems:
            raise BadBook(self.problems)
        return dataclasses.replace(script, phrases=phrases)

    # -- steps

    def _steps(self, body: plain.Plain) -> tuple[Step, ...]:
        items = body if isinstance(body, list) else [body] if body else []
        return tuple(step for item in items for step in self._step(item))

    def _step(self, item: plain.Plain) -> Iterable[Step]:
        if isinstance(item, str):
            if item in ("hang up", "explain again"):
                return (Step(str(item)),)
            self.fault(item, f"{str(item)!r} is no step; a step is `say: …`, `ask: …`, `wait: 5`, `hang up` …")
            return ()
        if not isinstance(item, dict):
            self.fault(item, "a step is one line such as `say: …`, not a list")
            return ()
        verbs = [key for key in item if key in VERBS]
        if len(verbs) != 1:
            known = ", ".join(VERBS)
            first = next(iter(item), "")
            hint = did_you_mean(first, VERBS) if not verbs else " Make it two steps."
            self.fault(first or item, f"a step has one of {known}; here are {verbs or [str(first)]}.{hint}")
            return ()
        verb, value = verbs[0], item[verbs[0]]
        more = ("note", "if yes", "if no", "until yes") if verb == "ask" else ()
        self.known(item, (verb, *more), f"part of the step `{verb}:`")
        if verb == "do":
            return self._routine(value)
        if verb in SAYING:
            note = str(item.get("note", ""))
            if note and note not in ("contact", "content"):
                self.fault(item["note"], f"`note:` is contact or content, not {note!r}")
            return (
                Step(
                    verb,
                    texts=self._line(value),
                    line=value if isinstance(value, str) and value in self.lines else "",
                    note=note,
                    if_yes=self._steps(item.get("if yes", [])),
                    if_no=self._steps(item.get("if no", [])),
                    until_yes=self._yes(item.get("until yes", "no")),
                ),
            )
        if verb in ("wait", "hold"):
            return (Step(verb, seconds=self._span(value)),)
        if verb == "transfer":
            return (Step(verb, to=self._by_language(value)),)
        if verb == "from now on":
            return (Step(verb, instead={name: self._line(line) for name, line in self._names(value).items()}),)
        if verb == "write":
            return (Step(verb, notes=tuple(self._notes(value))),)
        self.fault(value, f"write `- {verb}` without a value")
        return ()

    def _routine(self, name: plain.Plain) -> Iterable[Step]:
        if not isinstance(name, str) or name not in self.routines:
            self.fault(name, f"no routine is called {name!r}.{did_you_mean(str(name), self.routines)}")
            return ()
        if name in self.inside:
            self.fault(name, f"the routine {str(name)!r} does itself again; leave that out")
            return ()
        self.inside.append(name)
        steps = self._steps(self.routines[name])
        self.inside.pop()
        return steps

    def _names(self, value: plain.Plain) -> Mapping[str, plain.Plain]:
        """Lines by name, each with the one that is said in its place."""
        if not isinstance(value, dict):
            self.fault(value, "`from now on:` takes lines, such as {farewell: farewell after a complaint}")
            return {}
        for name in value:
            if name not in self.lines:
                self.fault(name, f"no line is called {str(name)!r}.{did_you_mean(name, self.lines)}")
        return value

    def _line(self, value: plain.Plain) -> dict[str, str]:
        """What is said: a line or a phrase by name, or the text itself."""
        if not isinstance(value, str):
            return self._by_language(value)
        if value in self.lines:
            return self.lines[value]
        if value in self.phrases.names:
            return {language: self._first_wording(value, language) for language in self.languages}
        if value.isidentifier() and value.isascii():
            names = (*self.lines, *self.phrases.names)
            self.fault(value, f"no line and no phrase is called {str(value)!r}.{did_you_mean(value, names)}")
        return {"": str(value)}

    def _first_wording(self, phrase: str, language: str) -> str:
        parts = self.phrases.sentences(phrase, language, self.slots).values()
        return " ".join(sentences[0] for sentences in parts if sentences)

    def _by_language(self, value: plain.Plain) -> dict[str, str]:
        """A text in every language of the script, or one for all."""
        if isinstance(value, str):
            return {"": str(value)}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.fault(value, "a line is a text, or a text by language: {en: …, zh: …}")
            return {}
        missing = [language for language in self.languages if not value.get(language)]
        if missing:
            self.fault(value, f"no text in {', '.join(missing)}")
        return {str(language): str(text) for language, text in value.items()}

    def _notes(self, value: plain.Plain) -> Iterable[Note]:
        if not isinstance(value, dict):
            self.fault(value, "`write:` takes fields of the case, such as {content: as told}")
            return
        for key, body in value.items():
            name = key.replace(" ", "_")
            if name not in _FIELDS:
                self.fault(key, f"a case has no field {str(key)!r}.{did_you_mean(name, _FIELDS)}")
            elif name in _TIMES:
                yield Note(name, after=timedelta() if body == "now" else timedelta(seconds=self._span(body)))
            elif name == "follow_up":
                yield self._follow_up(body)
            elif body == AS_TOLD:
                yield Note(name, told=True)
            else:
                yield Note(name, texts=self._by_language(body))

    def _follow_up(self, body: plain.Plain) -> Note:
        if not isinstance(body, dict) or not {"purpose", "after"} <= body.keys():
            self.fault(body, "a follow up is a table: {purpose: solution, after: 2 days, outcome: solved}")
            return Note("follow_up")
        self.known(body, ("purpose", "after", "outcome"), "part of a follow up")
        return Note(
            "follow_up",
            texts={"": str(body["purpose"])},
            after=timedelta(seconds=self._span(body["after"])),
            outcome=str(body.get("outcome", "")),
        )

    # -- situations

    def _situations(self, table: Mapping[str, plain.Plain], part: str) -> tuple[Situation, ...]:
        found = []
        for item in self.items(table.get(part, [])):
            if not isinstance(item, dict) or "when" not in item or not ("hears" in item or "line" in item):
                self.fault(item, f"each of `{part}:` has `when:` (what it is), `hears:` or `line:`, and `do:`")
                continue
            self.known(
                item, ("when", "hears", "line", "from", "until", "after", "before", "do"), f"part of one of `{part}:`"
            )
            line = str(item.get("line", ""))
            if line and line not in EVENT_KINDS:
                self.fault(item["line"], f"nothing called {line!r} happens on a line.{did_you_mean(line, EVENT_KINDS)}")
            found.append(
                Situation(
                    name=str(item["when"]),
                    hears=self._hears(item.get("hears", [])),
                    line=line,
                    first=int(self._span(item.get("from", "1"))),
                    last=int(self._span(item.get("until", "1000000"))),
                    leaving=self._leaving(item),
                    do=self._steps(item.get("do", [])),
                )
            )
        return tuple(found)

    def _leaving(self, item: Mapping[str, plain.Plain]) -> bool | None:
        """Whether a situation counts only ``after: goodbye``, or only ``before: goodbye``."""
        for key in ("after", "before"):
            if key in item:
                if item[key] != "goodbye":
                    self.fault(item[key], f"`{key}:` is goodbye, not {item[key]!r}")
                return key == "after"
        return None

    def _hears(self, body: plain.Plain) -> frozenset[str]:
        """Phrases by name; wordings of the script's own are given names."""
        names: set[str] = set()
        for item in self.items(body):
            if isinstance(item, dict):
                for language, texts in item.items():
                    names.update(self._wording(language, text) for text in self.texts(texts))
            elif isinstance(item, str) and item in self.phrases.names:
                names.add(str(item))
            elif isinstance(item, str) and not (item.isidentifier() and item.isascii()):
                names.update(self._wording(language, item) for language in self.languages)
            else:
                self.fault(item, f"no phrase is called {item!r}.{did_you_mean(str(item), self.phrases.names)}")
        return frozenset(names)

    def _wording(self, language: str, text: str) -> str:
        own = self.own.setdefault(str(language), {})
        name = f"line_{getattr(text, 'line', 0)}_{len(own)}"
        own[name] = [str(text)]
        return name

    def _with_own_wordings(self) -> PhraseBook:
        """The phrases of the rule book together with the script's own."""
        files = {str(file): file.read_text(encoding="utf-8") for file in sorted(self.folder.glob("*.yaml"))}
        for language, own in self.own.items():
            told = {"language": language, "phrases": own}
            files[f"{self.file} ({language})"] = json.dumps(told, ensure_ascii=False)
        try:
            return PhraseBook.parse(files)
        except BadBook as error:
            self.problems += error.problems
            return self.phrases

    # -- values

    def _span(self, value: plain.Plain) -> float:
        """Seconds, from ``5``, ``10 min``, ``24 h`` or ``2 days``."""
        match = _SPAN.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.fault(value, f"{value!r} is no time; write 5 (seconds), 10 min, 24 h or 2 days")
            return 0.0
        return float(match[1]) * _UNITS[match[2] or "s"]

    def _yes(self, value: plain.Plain) -> bool:
        if value not in ("yes", "no", "true", "false"):
            self.fault(value, f"{value!r} is neither yes nor no")
        return value in ("yes", "true")
