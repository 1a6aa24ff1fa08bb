"""Takes personal data out of text that leaves the process, keeping every character's place.

A masked character becomes a bullet, so the spans of evidence stay right; a name begins with a letter that is the same
wherever the same person is named in a call. It reduces what leaks; it does not anonymise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import structs

from pytest_callqa.call import Call, Turn

if TYPE_CHECKING:
    from pytest_callqa.names import Span

MASK = "•"
PERSONS = "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏ"
"""What the names of the persons of a call begin with."""

Level: TypeAlias = Literal["off", "standard", "names", "strict"]
"""How much is masked: nothing; personal data; also names that no call gives; every word that was said."""

_LETTER = r"[^\W\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]"
"""A letter of a script that has spaces between words. Chinese has none: there a name stands right beside others."""

_HAN = "零〇一二三四五六七八九幺两"
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_ONES = f"zero|oh|o|nought|{_UNITS}"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth"
    "|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_TLD = "com|org|net|edu|gov|info|io|cn|uk|de|fr|eu|us|ca|au|co"
_STREET = (
    "street|road|avenue|lane|drive|boulevard|court|square|terrace|close|crescent|gardens|mews|grove|parade|ave|blvd|rd"
)
_NO_STREET = (
    "a|an|and|at|away|bad|blocks?|by|cars?|days?|down|for|from|had|has|have|hours?|houses?|i|in|into|is|it|lanes?"
    "|metres|miles?|minutes?|more|months?|my|of|off|on|one|or|other|our|out|over|people|per|shops?|the|their|this|to|up"
    "|was|way|we|weeks?|with|years?|yards|you|your"
)
"""Words between a number and a street that make no house of it."""

_PERSONAL = re.compile(
    rf"(?<!{_LETTER})(?:"
    r"(?<![.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"  # e-mail
    r"|(?P<iban>[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![^\W\u2e80-\u9fff]))"
    r"|(?P<date>(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?![-/.]?[^\W\u2e80-\u9fff]))"
    r"|(?P<long>\d(?:[ ,;.-]{0,3}\d){12,18}(?![^\W\u2e80-\u9fff]))"
    r"|(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d\d)?(?![\d,])|\d{1,9}(?:\.\d{1,2})?"
    r"(?=\ ?(?:%|元|块|美元|人民币|欧元|(?i:dollars|pounds|euros?|yuan|bucks|usd|eur|gbp|percent)\b)))"
    r"|[+(]?\d(?:[\s().\-/]{0,2}\d){4,}[Xx]?(?![^\W\u2e80-\u9fff])"  # a number of five digits and more
    r"|\d{1,5}[A-Za-z]?(?:\ [A-Z][\w'.-]{1,20}){1,4}\ "  # a house in a street
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Square|Terrace|Close|Hill)\b"
    r"(?:,?\ (?:Apt|Apartment|Unit|Suite|Flat)\.?\ \w{1,6})?"
    r"|(?i:[a-z]{1,2}\d[a-z\d]?\ ?\d(?!(?:(?-i:st|nd|rd|th)|gb|tb)\b)[abd-hjlnp-uw-z]{2}\b)"  # a British postcode
    r")|\d{5,}[Xx]?"
    r"|[\u4e00-\u9fff]{2,20}(?:路|街|道|巷|弄|村)(?:[\d一二三四五六七八九十百零〇]{1,6}(?:号|弄|栋|幢|楼|单元|层|室)){1,5}"
    rf"|(?<![A-Za-z0-9_.\-点{_HAN}])(?:[A-Za-z0-9_.-]|点|下划线|减号|[{_HAN}]){{1,40}}\ ?(?:艾特|at|@|圈[Aa])\ ?"
    rf"(?:[A-Za-z0-9-]|[{_HAN}]){{1,30}}(?:\ ?(?:点|\.)\ ?(?i:{_TLD})(?![A-Za-z])){{1,2}}"
    rf"|(?P<day>(?:(?:\d{{4}}|\d\d|[{_HAN}]{{2,4}})年)?(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}})月"
    r"(?:(?:\d{1,2}|[一二三四五六七八九十]{1,3})[日号])?)"
)

_FORM = re.compile(
    r"[@路街道巷弄村月\d点.](?:(?<=[@路街道巷弄村月])"
    r"|(?<=\d)(?:(?:[\s,;().\-/]{0,3}\d){4}|[A-Za-z]?\ [A-Z]|(?<=(?i:[a-z])\d)(?i:[a-z\d]?\ ?\d))"
    rf"|(?<=[点.])\ ?(?i:{_TLD})(?![A-Za-z]))"
)
"""What no text lacks that holds one of these, and few others have. It is found fast, for it begins with a set."""

_SPOKEN_MAIL = re.compile(
    rf"(?<!{_LETTER})(?i:(?:[a-z0-9]\ ){{0,24}}(?:[a-z]{{2,20}}\ (?=\d{{1,6}}\ at\ ))?[\w-]{{1,32}}"
    r"(?:\ (?:dot|point|underscore|dash|hyphen)\ [\w-]{1,32}){0,4}"
    r"\ at\ (?:[a-z0-9]\ ){0,12}[\w-]{1,32}(?:(?:\ dot\ |\.)[\w-]{1,32}){0,3}"
    rf"(?:\ dot\ |\.)(?:{_TLD})\b(?:(?:\ dot\ |\.)[a-z]{{2}}\b)?)"
)
_SPOKEN_HOUSE = re.compile(
    rf"(?<!{_LETTER})(?i:(?:\d{{1,5}}[a-z]?|(?:(?:{_TENS})[ -])?(?:{_ONES}|{_TEENS}|{_TENS})),?"
    rf"(?:\ (?!(?:{_NO_STREET})\b)[a-z][a-z'.-]{{1,20}}){{1,3}}\ (?:{_STREET})\b)"
)

_NO_SECRET = (
    "a|again|and|at|been|being|correct|expired|for|has|hasn't|have|in|incorrect|invalid|is|it|needed|no|not|number|of"
    "|on|or|please|required|reset|sent|still|that|the|to|too|very|was|what|when|working|wrong|your"
)

_SECRET = re.compile(
    r"(?i:\b(?:password|passcode|passphrase|pin(?:\ (?:code|number))?|security\ code|cvv)\b(?:\ (?:is|was)\b|:)?"
    r"|(?:密码|口令|验证码)(?:是|为|：|:)?)[\s“\"']*"
    rf"(?P<secret>(?!(?i:{_NO_SECRET})\b)[^\W\u4e00-\u9fff][^\s，。,.!?！？“”]{{2,31}})"
)
"""What is said to be a password, where it is said."""

_BIRTH = re.compile(r"(?i:born|birth|dob|birthday)[^.?!]{0,24}$|(?:生日|出生|生于)[^。？！]{0,12}$")
"""What makes a date one that tells a person, straight before it."""

_BORN = re.compile(r"(?:[，, ]?(?:的)?)?(?:出生|生的|生日|生人)")
"""The same, straight behind it."""

_BIRTHDAY = re.compile(
    r"(?i:\b(?:born|birthday|birth|dob|d\.o\.b\.?)[\s,:]{1,2}(?:(?:is|was|on|in|date)\b[\s,:]{0,2}){0,3})"
    rf"(?P<date>(?i:(?:(?:the|of|{_MONTHS}|{_ORDINALS}|{_ONES}|{_TEENS}|{_TENS}|\d{{1,4}}(?:st|nd|rd|th)?)\b[\s,-]{{0,2}})+))"
)
"""A birthday in words: days, months and years behind what says that it is one."""

_OF_A_DATE = re.compile(rf"(?i:\b(?:{_MONTHS}|{_TEENS}|{_TENS})\b)|\d\d")

_FILLERS = "um|umm|uh|uhm|er|erm|ah|hmm|then|dash|hyphen|space|slash"
_TOKEN = re.compile(
    r"(?P<lead>(?i:\b(?:(?:last|final)\ (?:four|three|six|4|3|6)(?:\ (?:digits|numbers))?|cv[vc]2?|ending"
    r"|(?:card|account|number|one|it|that)\ ends\ (?:in|with)|security\ (?:code|number)|pin(?:\ (?:code|number))?"
    r"|passcode|verification\ code|one[- ]time\ code)\b)"
    r"|尾号|后[四三六]位|末[四三]位|安全码|验证码|校验码|密码)"
    rf"|(?i:\b(?:(?P<ones>{_ONES})|(?P<teens>{_TEENS})|(?P<tens>{_TENS})|(?P<double>double)|(?P<triple>triple))\b)"
    rf"|(?P<filler>(?i:\b(?:{_FILLERS}|and\ then)\b)"
    r"|呃|嗯|额|啊|那个|然后)"
    rf"|(?<!{_LETTER})(?<!\d[.,])(?P<figures>\d++)(?![A-Za-z:%])|(?P<han>[{_HAN}])"
)
"""Numbers in words and figures, what people say between them, and what says that a short one tells something."""

_BETWEEN = re.compile(r"[\s,.;…、，。-]{0,5}")
_ROUND = re.compile(
    r"[\s-]?(?i:hundred|thousand|million|dollars?|pounds?|euros?|bucks|percent|cents|minutes?|hours?|days?|weeks?|months?"
    r"|years?|times|people|items?|o'clock|am|pm|a\.m|p\.m)\b|[十百千万亿元块岁点]"
)
"""What tells, behind a number, that it counts something."""

_PRICE = rf"(?:(?:{_TENS})(?:[ -](?:{_UNITS}))?|{_TEENS}|{_UNITS})[ -](?:{_TENS})(?:[ -](?:five|nine))?"  # 2.50, 24.99
_PRICES = re.compile(rf"(?i:{_PRICE}(?:,\ {_PRICE})+)")
"""Prices one after the other; a telephone or card number that is said in pairs has no such groups."""

_LEAST, _LEAST_LED, _LED = 5, 3, 24
"""Digits from which a spoken number is masked; the same behind a lead, and so many characters behind it."""

_WORD = re.compile(r"[a-z]+|[\u3007\u4e00-\u9fff@]")
_FIGURE = re.compile(r"\d")
_FIGURES = dict.fromkeys(f"{_ONES}|double".split("|"), 1) | dict.fromkeys(_HAN, 1)
_FIGURES |= dict.fromkeys(f"{_TEENS}|{_TENS}|triple".split("|"), 2)
"""How many digits a word can add to a number."""

_ENDINGS, _STREETS = frozenset(_TLD.split("|")), frozenset(_STREET.split("|"))
_FORMED = _ENDINGS | frozenset("@路街道巷弄村月")
_SECRETS = frozenset(("password", "passcode", "passphrase", "pin", "security", "cvv", *"密口验"))
_BIRTHS = frozenset(("born", "birth", "birthday", "dob", "d"))
_LEADS = frozenset(("last", "final", "cvc", "cvv", "ending", "ends", "security", "pin", "passcode", "verification"))
_LEADS |= frozenset(("time", *"尾后末安验校密"))
_SPELT = _LEADS.union(_FIGURES, _FILLERS.split("|"), "呃嗯额啊那然")
"""Words without one of which a pattern cannot match: nearly nothing that is said has any, and is looked at closely."""

_NO_NAMES = frozenset(
    (
        "agent",
        "bot",
        "caller",
        "customer",
        "ivr",
        "line",
        "operator",
        "service",
        "speaker",
        "support",
        "system",
        "test",
        "user",
    )
)
"""Words that stand in for names in files, and say nothing about anybody."""

_TELLING = re.compile(
    r"@[\w-]{1,63}\.\w"
    r"|\+\d[\d ().-]{7}"
    r"|(?<!\d)\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<!\d)(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|1?[2-9]\d{2}[2-9]\d{6}|0[1-9]\d{8,9})(?!\d)"
    r"|(?<!\d)0[1-9]\d{1,3}[ -](?:\d{3,4}[ -]\d{4}|(?!20[0-4]\d[01]\d[0-3]\d)\d{7,8}|(?<=7\d{3}.)\d{6})(?!\d)"
    r"|(?<!\d)(?P<long>\d(?:[ -]?\d){13,18}[Xx]?)(?!\d)"
)
"""What in the id of a call tells a person, unlike a time or a running number: e-mail, telephone, card, identity."""

_HASHED = re.compile(r"id-[0-9a-f]{12}")

_ENDING = re.compile(r"(?:\.[A-Za-z]\w{0,7}){1,2}$")
_PLACE = re.compile(r"(?<=\.)([A-Za-z]\w{0,7}), ")
"""The ending of a file's name, and the same before a place in the file: ``calls.jsonl, line 12``."""

_QUOTED = re.compile(r"(?<=“)[^”]*")


class Redactor:
    """Takes personal data out of the texts of one call. Texts keep their length.

    Called with our own words about the call; :meth:`said` is for words of the call itself.
    """

    __slots__ = ("_named", "_names_in", "_person", "level")

    def __init__(self, names: tuple[str, ...], level: Level) -> None:
        self.level = level
        if level == "names":
            from pytest_callqa.names import chinese, names_in

            chinese()  # in time for a word about what is missing
            self._names_in = names_in
        self._person: dict[str, str] = {}
        for number, name in enumerate(names):
            letter = PERSONS[number] if number < len(PERSONS) else MASK
            for word in (name, *name.split()):
                if len(word) > 1 and word.lower() not in _NO_NAMES:
                    self._person.setdefault(word.lower(), letter)
        words = sorted(self._person, key=len, reverse=True)
        self._named = re.compile("|".join(map(_apart, words)), re.IGNORECASE) if words else None

    def __call__(self, text: str) -> str:
        """Our own words, without the personal data they quote."""
        if self.level == "off":
            return text
        masked = self._standard(text)
        return _QUOTED.sub(lambda quote: _masked(quote.group()), masked) if self.level == "strict" else masked

    def said(self, text: str) -> str:
        """What somebody said."""
        return _masked(text) if self.level == "strict" else self(text)

    def id(self, call: str) -> str:
        """The id of a call, as outputs have it: a hash where it tells a person, the same for the same id."""
        return hashed(call) if self.level != "off" and self._telling(call) else call

    def file(self, source: str) -> str:
        """Where a call came from, as outputs have it: names that tell a person are hashes, as in :meth:`id`.

        Their endings stay, and so does a place in a file: ``calls/id-9c0e2f6b41d7.jsonl, line 12``. Who has the file
        finds it again by :func:`hidden`.
        """
        if self.level == "off" or not self._telling(source):  # what tells nobody does not in part
            return source
        return "/".join(", ".join(map(self._name_of_file, _parts(part))) for part in source.split("/"))

    def _name_of_file(self, name: str) -> str:
        return hidden(name) if self._telling(name) else name

    def _telling(self, text: str) -> bool:
        """Whether a name tells a person."""
        named = self._named is not None and self._named.search(text.replace("_", " "))
        return bool(named) or _tells_somebody(text)

    def call(self, call: Call) -> Call:
        """The call with its texts masked, and without its names."""
        if self.level == "off":
            return call
        case = call.case and structs.replace(
            call.case, id=self.id(call.case.id), content=self.said(call.case.content), contact=self(call.case.contact)
        )
        return structs.replace(call, id=self.id(call.id), turns=tuple(map(self._turn, call.turns)), names=(), case=case)

    def _turn(self, turn: Turn) -> Turn:
        text = self.said(turn.text)
        parts = text.split()
        if len(parts) != len(turn.words):
            parts = [_masked(word.text) for word in turn.words]
        words = tuple(structs.replace(word, text=part) for word, part in zip(turn.words, parts, strict=True))
        return structs.replace(turn, text=text, words=words)

    def _standard(self, text: str) -> str:
        text = _without(text, [*_personal(text), *(self._names_in(text) if self.level == "names" else ())])
        return text if self._named is None else self._named.sub(self._name, text)

    def _name(self, match: re.Match[str]) -> str:
        name = match.group()
        return self._person.get(name.lower(), MASK) + _masked(name[1:])


def redactor(names: Iterable[str] = (), *, level: Level = "standard") -> Redactor:
    """A redactor for one call, whose names it knows.

    It masks e-mail and postal addresses, numbers of five digits and more, and passwords, written or spoken, in English
    and Chinese, and the names; at ``names`` also others that are recognised, at ``strict`` every word that was said.
    Raises :class:`BadInput` at ``names`` without the extra that this takes.
    """
    return _redactor(tuple(dict.fromkeys(name.strip() for name in names if len(name.strip()) > 1)), level)


_redactor: Callable[[tuple[str, ...], Level], Redactor] = lru_cache(maxsize=1024)(Redactor)


def hashed(call: str) -> str:
    """``id-`` and a hash of the id of a call; of what is one already, itself."""
    if _HASHED.fullmatch(call):
        return call
    return f"id-{hashlib.blake2b(call.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def hidden(name: str) -> str:
    """The name of a file with a hash for all but its ending."""
    stem, ending = _stem(name)
    return hashed(stem) + ending


def is_hidden(name: str) -> bool:
    """Whether the name of a file is one that :func:`hidden` gives."""
    return _HASHED.fullmatch(_stem(name)[0]) is not None


def _parts(name: str) -> list[str]:
    """The name of a file, and where in it something is, if that is said."""
    place = _PLACE.search(name)
    return [name[: place.end(1)], *_parts(name[place.end() :])] if place else [name]


def _stem(name: str) -> tuple[str, str]:
    """The name of a file before and from its ending on."""
    ending = _ENDING.search(name, 1)
    return (name[: ending.start()], ending.group()) if ending else (name, "")


def _apart(name: str) -> str:
    """A pattern for the name where it is no part of a longer word."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, name) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, name[-1]) else ""
    return before + re.escape(name) + after


def _masked(text: str) -> str:
    return re.sub(r"\S", MASK, text)


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with these parts masked; they may overlap."""
    if not spans:
        return text
    pieces, place = [], 0
    for start, end in sorted(spans):
        if end > place:
            pieces += [text[place:start], _masked(text[max(start, place) : end])]
            place = end
    return "".join([*pieces, text[place:]])


def _personal(text: str) -> Sequence[Span]:
    """Where personal data are in a text; of short ones it is remembered, for our own words come again and again."""
    return _personal_in_short(text) if len(text) <= _SHORT else _look_for_personal(text)


def _look_for_personal(text: str) -> Sequence[Span]:
    """Only those patterns are tried whose words are in the text."""
    said = _WORD.findall(text.casefold())
    words, figures = set(said), len(_FIGURE.findall(text))
    spans: list[Span] = []
    if (figures or not words.isdisjoint(_FORMED)) and _FORM.search(text):
        spans.extend(_written(text))
    if "at" in words and not words.isdisjoint(_ENDINGS):
        spans.extend(match.span() for match in _SPOKEN_MAIL.finditer(text))
    if not words.isdisjoint(_STREETS):
        spans.extend(match.span() for match in _SPOKEN_HOUSE.finditer(text))
    if not words.isdisjoint(_SECRETS):
        spans.extend(match.span("secret") for match in _SECRET.finditer(text))
    if not words.isdisjoint(_BIRTHS):
        spans.extend(match.span("date") for match in _BIRTHDAY.finditer(text) if _OF_A_DATE.search(match["date"]))
    if not words.isdisjoint(_SPELT):
        digits = figures + sum([_FIGURES.get(word, 0) for word in said])
        if digits >= (_LEAST if words.isdisjoint(_LEADS) else _LEAST_LED):
            spans.extend(_spoken(text))
    return spans


_SHORT = 400
_personal_in_short: Callable[[str], Sequence[Span]] = lru_cache(maxsize=4096)(_look_for_personal)


def _written(text: str) -> Iterator[Span]:
    """Where personal data are that have a form of their own, unless a closer look shows that they tell nobody."""
    for match in _PERSONAL.finditer(text):
        kind, (start, end) = match.lastgroup, match.span()
        if kind == "amount":
            continue
        if kind in ("date", "day") and not (_BIRTH.search(text, max(0, start - 40), start) or _BORN.match(text, end)):
            continue
        if kind == "iban" and not _is_iban(match.group()):
            yield from (number.span() for number in re.compile(r"\d(?:[ -]?\d){4,}").finditer(text, start, end))
        elif kind == "long" and set(match.group()) & set(",;") and not _is_card_or_id(match.group()):
            yield from (number.span() for number in re.compile(r"\d(?:[\s.-]{0,2}\d){4,}").finditer(text, start, end))
        else:
            yield start, end


class _Number:
    """A number as it is said, part by part: how many digits it has so far, and where it is."""

    __slots__ = ("_filled", "_tens", "broken", "digits", "end", "led", "passed", "start", "words")

    def __init__(self, start: int, *, led: bool) -> None:
        self.start = self.end = self.passed = start
        self.led = led
        self.digits = self.words = 0
        self.broken = self._filled = self._tens = False

    def add(self, part: re.Match[str]) -> None:
        """Take a part. Behind a ten, a one is no digit more."""
        kind, self.passed = part.lastgroup, part.end()
        if kind == "filler":
            self._filled = True
            return
        self.end = part.end()
        self.broken |= self._filled
        if kind == "figures":
            self.digits += len(part.group())
        elif kind in ("teens", "tens", "triple"):
            self.digits += 2
        elif kind != "ones" or not self._tens:
            self.digits += 1
        if kind in ("double", "triple"):
            self.broken = True
        elif kind != "figures":
            self.words += 1
        self._tens = kind == "tens"

    def tells(self, text: str) -> bool:
        """Whether it is to be masked; figures alone, without a break, are looked at in their own way."""
        if self.digits < 2 * _LEAST and _ROUND.match(text, self.end):
            return False
        if self.led and self.digits >= _LEAST_LED:
            return True
        if self.digits < 2 * _LEAST and _PRICES.fullmatch(text, self.start, self.end):
            return False
        if self.words == 1:
            return self.digits >= 2 * _LEAST
        return self.digits >= _LEAST and bool(self.words or self.broken)


def _spoken(text: str) -> Iterator[Span]:
    """Where numbers are that are said: digit by digit or in pairs, with hesitations; short ones behind a lead."""
    number: _Number | None = None
    lead = -_LED - 1
    for part in _TOKEN.finditer(text):
        here, kind = part.start(), part.lastgroup
        if number is not None and (kind == "lead" or not _BETWEEN.fullmatch(text, number.passed, here)):
            if number.tells(text):
                yield number.start, number.end
            number = None
        if kind == "lead":
            lead = part.end()
        elif number is None and kind != "filler":
            led = here - lead <= _LED and not set(text[lead:here]) & set(".?!。？！")
            number = _Number(here, led=led)
        if number is not None:
            number.add(part)
    if number is not None and number.tells(text):
        yield number.start, number.end


def _tells_somebody(name: str) -> bool:
    may = "@" in name or "+" in name or len(_FIGURE.findall(name)) >= 10
    return may and any(map(_tells, _TELLING.finditer(name)))


def _tells(match: re.Match[str]) -> bool:
    """Whether a part of an id is what it looks like; a long number is a card of a known kind, or an identity."""
    digits = match["long"]
    if digits is None or not re.match(r"[3-6]|2[2-7]", digits):
        return digits is None or _is_identity(digits)
    return _is_card_or_id(digits)


def _is_iban(text: str) -> bool:
    from stdnum import iban  # only where something looks like one

    return bool(iban.is_valid(text))


def _is_card_or_id(text: str) -> bool:
    from stdnum import luhn

    return bool(luhn.is_valid(re.sub(r"\D", "", text))) or _is_identity(text)


def _is_identity(text: str) -> bool:
    from stdnum.cn import ric

    try:
        return bool(ric.is_valid(re.sub(r"[^\dXx]", "", text)))
    except KeyError:  # all of it fits, but stdnum knows no county of that number in the province
        return True
