"""Walks every menu of an IVR in virtual time, key by key, and says what a caller would trip over."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_callqa.bots import AsyncBot, Bot, Move
from pytest_callqa.bots.driver import Conversation
from pytest_callqa.engine import hear, judge
from pytest_callqa.errors import BadInput, BotError
from pytest_callqa.ledger import Exhibit
from pytest_callqa.redact import Level, redactor
from pytest_callqa.rules import RuleBook
from pytest_callqa.verdict import Outcome

KEYS = "1234567890*#"
NUMBER = "1234#"
"""Pressed where single keys lead nowhere: a menu may want a number."""

MENUS, DEPTH = 100, 8
"""Menus that are walked, and moves that lead to the last of them."""

PATIENCE = 180.0
"""Seconds that a silent caller waits before the call counts as endless."""

SILENT_CALL = "3.1.2"
"""The section of the code on callers who say nothing."""

Kind: TypeAlias = Literal[
    "the bot breaks",
    "endless loop",
    "dead end",
    "announced, not accepted",
    "accepted, not announced",
    "no way to a person",
    "wordless hang-up",
    "silent caller",
]

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {
    **{word: str(number) for number, word in enumerate(_WORDS)},
    **{sign: str(number) for number, sign in enumerate("零一二三四五六七八九")},
    **dict.fromkeys(("star", "asterisk", "星", "星号"), "*"),
    **dict.fromkeys(("pound", "hash", "井", "井号"), "#"),
}
_NAMES = "|".join(sorted(_DIGITS, key=len, reverse=True))
_ANNOUNCED = [
    re.compile(
        r"\b(?:press|dial|push|hit|enter|type|select|choose|or)\s+(?:the\s+)?(?:number\s+|key\s+)?"
        rf"(?P<key>\d|{_NAMES})\b(?!\s*-?digit)",
        re.I,
    ),
    re.compile(r"\b(?:press|dial|push|hit)\s+(?:the\s+)?(?P<key>[*#])", re.I),
    re.compile(r"(?<![\d.:])\b(?P<key>\d)\s+(?:for|to)\s+(?!\d)", re.I),
    re.compile(rf"(?:按|拨)\s*(?P<key>[\d*#]|{_NAMES})"),
]
_RANGE = re.compile(
    r"(?:\b(?:press|dial|enter|type|choose|rate|scale)\b[^.?!\d]*|(?:按|拨|输入)\s*)"
    r"(?P<first>\d)\s*(?:to|through|-|–|到|至)\s*(?P<last>\d)(?!\d|[.:]\d|\s+(?:for|to)\b)",
    re.I,
)
"""The keys of a scale, such as press 1 to 5; what takes them may take any key."""

_REFUSED = re.compile(
    r"\b(?:invalid|not (?:a )?valid|not (?:an? )?(?:available )?option|wrong|not recogni[sz]ed|(?:did ?n[o']t|not) "
    r"(?:understand|recogni[sz]e|get that|catch)|unknown|incorrect|try again)\b|无效|错误|不正确|重新输入",
    re.I,
)
_PERSON = re.compile(
    r"\b(?:transferr?ing you|connect(?:ing)? you|put(?:ting)? you through|agent will|representative will|hold for)\b"
    r"|为您转接|转接人工",
    re.I,
)
_REPEATS = re.compile(r"\b(?:repeat|again|main menu|go back|return)\b|重听|返回", re.I)


@dataclass(frozen=True)
class Fault:
    """Something a caller trips over: in which menu, after which moves, in words, and the call that shows it."""

    kind: Kind
    menu: str
    way: tuple[str, ...]
    told: str
    exchange: tuple[str, ...] = ()


@dataclass
class Crawled:
    """What a walk showed: the menus, what leads from one to another, and the faults. ``partly``: it was cut short."""

    name: str
    menus: list[str] = field(default_factory=list)
    edges: dict[tuple[str, str, str], None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    partly: bool = False

    @property
    def broke(self) -> bool:
        """Whether the bot itself broke somewhere."""
        return any(fault.kind == "the bot breaks" for fault in self.faults)


@dataclass(frozen=True)
class _Reached:
    """What a move led to: all that was said since, whether the call ended or was handed over."""

    said: str
    end: Literal["", "hang-up", "transfer", "error"]
    exchange: tuple[str, ...] = ()
    problem: str = ""
    times: int = 0
    at_once: bool = True


def crawl(bot: Bot | AsyncBot, name: str, book: RuleBook | None = None, *, language: str = "en") -> Crawled:
    """Walk all menus; with a book, judge a silent call by its rules for one.

    Raises :class:`BadInput` for a bot that takes no keys.
    """
    if not bot.abilities.keys:
        raise BadInput(f"{name} takes no keys, so it has no menus to walk; play customers against it with --bot")
    return _Walk(bot, name, language).walk(book)


def announced(text: str) -> list[str]:
    """The keys that a prompt offers, in the order it names them."""
    found = [(match.start("key"), match["key"].lower()) for form in _ANNOUNCED for match in form.finditer(text)]
    for scale in _RANGE.finditer(text):
        found += [(scale.start("first"), str(key)) for key in range(int(scale["first"]), int(scale["last"]) + 1)]
    return list(dict.fromkeys(_DIGITS.get(key, key) for _, key in sorted(found)))


class _Walk:
    def __init__(self, bot: Bot | AsyncBot, name: str, language: str) -> None:
        self._bot, self._language = bot, language
        self._result = Crawled(name)
        self._persons: set[str] = set()
        self._shown: dict[tuple[str, bool], str] = {}

    def walk(self, book: RuleBook | None) -> Crawled:
        result = self._result
        begin = self._reach(())
        start = self._node(begin, "")
        ahead: deque[tuple[str, str, tuple[str, ...]]] = deque()
        if self._noted("the call", begin, (), "the call begins"):
            ahead.append((start, begin.said, ()))
        seen = {start}
        while ahead:
            menu, said, way = ahead.popleft()
            for target, text, move in self._menu(menu, said, way):
                if target in seen:
                    continue
                seen.add(target)
                if len(seen) > MENUS or len(way) + 1 >= DEPTH:
                    result.partly = True
                    continue
                ahead.append((target, text, (*way, move)))
        result.menus = [menu for (_, ended), menu in self._shown.items() if not ended]
        self._ways_to_a_person()
        if book is not None and begin.end == "":
            self._silent_call(book)
        return result

    # -- one menu

    def _menu(self, menu: str, said: str, way: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        """Try everything in a menu; what new menus are reached, by what."""
        silence = self._silence(menu, way)
        tried = {key: self._reach((*way, key)) for key in KEYS}
        offered = announced(said)
        others = Counter((tried[key].said, tried[key].end) for key in KEYS if key not in offered)
        usual = next((came for came, times in others.most_common(1) if times > 2), None)

        def refused(key: str) -> bool:
            came = tried[key]
            if came.end in ("transfer", "error"):
                return key not in offered and (came.said, came.end) == (silence.said, silence.end)
            if self._again(came, said):
                return not (key in offered and _REPEATS.search(said))
            unheard = silence.said.startswith(came.said) and (key not in offered or not came.at_once)
            return (unheard and bool(came.said or not came.end)) or bool(_REFUSED.search(came.said))

        scale = not offered or _RANGE.search(said)
        free = bool(scale) and any((tried[key].said, tried[key].end) == usual and not refused(key) for key in KEYS)
        leads = False
        for key, came in tried.items():
            common = (came.said, came.end) == usual
            no = refused(key) or (common and not free)
            self._noted(menu, came, (*way, key), f"pressing {key}", quiet=no and key not in offered)
            if key in offered and no and came.end != "error":
                self._fault("announced, not accepted", menu, (*way, key), f"{key} is offered and not taken", came)
            elif key not in offered and not no and not free and came.end != "error":
                self._fault("accepted, not announced", menu, (*way, key), f"{key} is taken and not offered", came)
            if no or came.end == "error":
                continue
            leads = True
            target = self._link(menu, came, "any key" if free and common else key, said)
            if came.end == "":
                yield target, came.said, key
        if leads:
            return
        number = self._reach((*way, NUMBER))
        if (
            (number.said, number.end) == usual
            or silence.said.startswith(number.said)
            or self._again(number, said)
            or _REFUSED.search(number.said)
        ):
            if silence.end in ("", "hang-up") and number.end != "error":
                self._fault("dead end", menu, way, "no key leads anywhere", number)
            return
        target = self._link(menu, number, NUMBER, said)
        if self._noted(menu, number, (*way, NUMBER), "entering a number"):
            yield target, number.said, NUMBER

    def _silence(self, menu: str, way: tuple[str, ...]) -> _Reached:
        """What comes of saying nothing in a menu."""
        came = self._reach(way, silent=True)
        self._noted(menu, came, way, "saying nothing")
        if came.end == "" and came.times > 2:
            told = f"a caller who does nothing hears the same again for ever ({came.times} times in {PATIENCE:g} s)"
            self._fault("endless loop", menu, way, told, came)
            self._result.edges[menu, menu, "silence"] = None
        elif came.end == "" and not came.said:
            self._fault("dead end", menu, way, f"a caller who does nothing hears nothing for {PATIENCE:g} s", came)
        elif came.end:
            self._link(menu, came, "silence", "")
        return came

    def _noted(self, menu: str, came: _Reached, way: tuple[str, ...], what: str, *, quiet: bool = False) -> bool:
        """Whether the call goes on; what ended it is a fault if nobody said a word, or if the bot broke."""
        if came.end == "error":
            loop = "endless loop" in came.problem
            told = f"{what}: {came.problem}"
            self._fault("endless loop" if loop else "the bot breaks", menu, way, told, came)
            self._result.edges[menu, "[error]", way[-1] if way else "silence"] = None
        elif came.end == "hang-up" and not came.said and not quiet:
            self._fault("wordless hang-up", menu, way, f"{what} ends the call without a word", came)
        return not came.end

    def _link(self, menu: str, came: _Reached, label: str, said: str) -> str:
        target = self._node(came, said)
        if came.end == "transfer" or _PERSON.search(came.said):
            self._persons.add(menu)
        if came.end != "error":
            self._result.edges[menu, target, label] = None
        return target

    def _node(self, came: _Reached, said: str) -> str:
        """The name of what was reached: a menu that was heard before, perhaps after other words, is the same."""
        if came.end == "transfer":
            return "[a person]"
        if came.end == "error":
            return "[error]"
        if came.end == "hang-up" and not came.said:
            return "[hang-up]"
        text = said if self._again(came, said) else came.said
        if not came.end:
            text = next((known for known, ended in self._shown if known and not ended and text.endswith(known)), text)
        key = text, bool(came.end)
        if key not in self._shown:
            short = text if len(text) <= 40 else f"{text[:39]}…"
            number = sum(not ended for _, ended in self._shown) + 1
            self._shown[key] = f"[{short}]" if came.end else f"{number} {short}"
        return self._shown[key]

    @staticmethod
    def _again(came: _Reached, said: str) -> bool:
        """Whether this led back to the menu that says this, perhaps with other words before."""
        return not came.end and bool(said) and came.said.endswith(said)

    def _fault(self, kind: Kind, menu: str, way: tuple[str, ...], told: str, came: _Reached) -> None:
        self._result.faults.append(Fault(kind, menu, way, told, came.exchange))

    # -- the call as a whole

    def _ways_to_a_person(self) -> None:
        """Menus from which no keys lead to somebody."""
        result = self._result
        reach = set(self._persons)
        while more := {a for a, b, label in result.edges if b in reach and label != "silence"} - reach:
            reach |= more
        if not reach:
            result.faults.append(Fault("no way to a person", "", (), "no keys lead to a person"))
            return
        leading = {a for a, _, _ in result.edges}
        for menu in result.menus:
            if menu in leading and menu not in reach:
                result.faults.append(Fault("no way to a person", menu, (), "no keys lead from here to a person"))

    def _silent_call(self, book: RuleBook) -> None:
        conversation = Conversation(self._bot, language=self._language)
        try:
            with conversation:
                while not conversation.ended and conversation.now < PATIENCE:
                    conversation.send(Move(wait=5.0))
        except BotError:
            return  # told already
        heard = hear(conversation.call(), book.code)
        for rule in book:
            if rule.portable and rule.clause.startswith(SILENT_CALL):
                verdict = judge(rule, heard, book.code)
                if verdict.outcome in (Outcome.FAILED, Outcome.ERROR):
                    told = f"{rule.clause} {rule.title}: {' '.join(verdict.reason.split())}"
                    exchange = tuple(conversation.exchange())
                    self._result.faults.append(Fault("silent caller", "", (), told, exchange))

    def _reach(self, way: Sequence[str], *, silent: bool = False) -> _Reached:
        """What is said after the last of these moves, or in silence after them."""
        conversation = Conversation(self._bot, language=self._language)
        begun, at_once = 0, True
        try:
            with conversation:
                for place, keys in enumerate(way):
                    if place == len(way) - 1 and not silent:
                        begun = len(conversation.replies)
                    conversation.send(Move(keys=keys))
                if silent:
                    begun = len(conversation.replies)
                    while not conversation.ended and conversation.now < PATIENCE:
                        conversation.send(Move(wait=10.0))
                elif way and not conversation.ended and not _words(conversation, begun):
                    at_once = False
                    conversation.send(Move(wait=10.0))  # it may wait for more keys
        except BotError as error:
            return _Reached(_words(conversation, begun), "error", error.exchange, error.problem)
        since = conversation.replies[begun:]
        kinds = [event.kind for reply in since for event in reply.events]
        end: Literal["", "hang-up", "transfer"] = (
            "transfer" if "transfer" in kinds else "hang-up" if conversation.ended else ""
        )
        texts = Counter(reply.text for reply in since if reply.text)
        most = max(texts.values(), default=0)
        return _Reached(_words(conversation, begun), end, tuple(conversation.exchange()), "", most, at_once)


def _words(conversation: Conversation, begun: int) -> str:
    return " ".join(reply.text for reply in conversation.replies[begun:] if reply.text)


def exhibit(crawled: Crawled, *, redact: Level = "standard") -> Exhibit:
    """The menus as a drawing and the faults as a table of the report's view of scenarios."""
    hide = redactor(level=redact)
    between: dict[tuple[str, str], list[str]] = {}
    for source, target, label in crawled.edges:
        between.setdefault((source, target), []).append(label)
    kinds = Counter(fault.kind for fault in crawled.faults)
    return Exhibit(
        view="scenarios",
        title=f"Menus of {crawled.name}",
        note="Every key was pressed in every menu, in virtual time, and every menu was met with silence."
        + (" There are more menus than were walked." if crawled.partly else ""),
        figures=(("menus", len(crawled.menus)), ("faults", len(crawled.faults)), *kinds.items()),
        columns=("fault", "menu", "after", "in words"),
        rows=tuple((f.kind, hide(f.menu), " ".join(f.way), hide(f.told)) for f in crawled.faults),
        edges=tuple((hide(a), hide(b), ", ".join(labels)) for (a, b), labels in between.items()),
    )


def lines(crawled: Crawled, *, redact: Level = "standard") -> Iterator[str]:
    """The walk for a terminal: the menus, then each fault with the call that shows it."""
    hide = redactor(level=redact)
    leads: dict[str, list[str]] = {}
    for source, target, label in crawled.edges:
        leads.setdefault(source, []).append(f"{label} → {target}")
    for menu, ways in leads.items():
        yield hide(menu)
        yield from (f"  {hide(way)}" for way in ways)
    for fault in crawled.faults:
        after = f" after {' '.join(fault.way)}" if fault.way else ""
        yield ""
        yield hide(f"{fault.kind}: {f'in {fault.menu!r}{after}: ' if fault.menu else ''}{fault.told}")
        yield from (f"    {hide(line)}" for line in fault.exchange[:40])
    yield ""
    yield f"{crawled.name}: {len(crawled.menus)} menus, {len(crawled.faults)} faults"
    if crawled.partly:
        yield f"only {MENUS} menus and {DEPTH} moves deep were walked"
