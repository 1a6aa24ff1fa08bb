"""Takes personal data out of text that leaves the process, keeping every character's place.

A masked character becomes a bullet, so the spans of evidence stay right; a name begins with a letter that is the same
wherever the same person is named in a call. It reduces what leaks; it does not anonymise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import structs

from pytest_callqa.call import Call, Turn

MASK = "•"
PERSONS = "ⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏ"
"""What the names of the persons of a call begin with."""

Level: TypeAlias = Literal["off", "standard", "strict"]
"""How much is masked: nothing; personal data; also every word that was said."""

_LETTER = r"[^\W\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]"
"""A letter of a script that has spaces between words. Chinese has none: there a name stands right beside others."""

_PERSONAL = re.compile(
    rf"(?<!{_LETTER})(?:"
    r"(?<![.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"  # e-mail
    r"|(?i:[\w-]{1,32}(?:\ (?:dot|point|underscore|dash)\ [\w-]{1,32}){0,4}\ at\ [\w-]{1,32}"
    r"(?:\ dot\ [\w-]{1,32}){0,3}\ dot\ (?:com|org|net|edu|gov|info|cn|uk|de|co)\b(?:\ dot\ [a-z]{2}\b)?)"  # spoken
    r"|(?P<iban>[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![^\W\u2e80-\u9fff]))"
    r"|(?P<date>(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?![-/.]?[^\W\u2e80-\u9fff]))"
    r"|(?P<long>\d(?:[ ,;.-]{0,3}\d){12,18}(?![^\W\u2e80-\u9fff]))"
    r"|(?P<amount>\d{1,3}(?:,\d{3})+(?:\.\d\d)?(?![\d,]))"
    r"|[+(]?\d(?:[\s().\-/]{0,2}\d){4,}[Xx]?(?![^\W\u2e80-\u9fff])"  # a number of five digits and more
    r"|(?i:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b[\s,.-]*){5,}"  # the same, spoken
    r"|\d{1,5}[A-Za-z]?(?:\ [A-Z][\w'.-]{1,20}){1,4}\ "  # a house in a street
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Square|Terrace|Close)\b"
    r"(?:,?\ (?:Apt|Apartment|Unit|Suite|Flat)\.?\ \w{1,6})?"
    r")|\d{5,}[Xx]?"
    r"|[零〇一二三四五六七八九幺两](?:[,，、\ ]?[零〇一二三四五六七八九幺两]){4,}"
    r"|[\u4e00-\u9fff]{2,20}(?:路|街|道|巷|弄|村)(?:[\d一二三四五六七八九十百零〇]{1,6}(?:号|弄|栋|幢|楼|单元|层|室)){1,5}"
)

_SECRET = re.compile(
    r"(?i:\b(?:password|passcode|passphrase|pin(?:\ code)?|security\ code|cvv)\b(?:\ (?:is|was)|:)?"
    r"|(?:密码|口令|验证码)(?:是|为|：|:)?)[\s“\"']*"
    r"(?P<secret>(?!(?:is|was|for|to|and|or|of|the|has|reset|again|please)\b)[^\W\u4e00-\u9fff][^\s，。,.!?！？“”]{2,31})"
)
"""What is said to be a password, where it is said."""

_BIRTH = re.compile(r"(?i:born|birth|dob)[^.?!]{0,24}$|(?:生日|出生)[^。？！]{0,12}$")
"""What makes a date one that tells a person, straight before it."""

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
    r"|(?<!\d)(?P<long>\d(?:[ -]?\d){13,18}[Xx]?)(?!\d)"
)
"""What in the id of a call tells a person, unlike a time or a running number: e-mail, telephone, card, identity."""

_HASHED = re.compile(r"id-[0-9a-f]{12}")

_QUOTED = re.compile(r"(?<=“)[^”]*")


class Redactor:
    """Takes personal data out of the texts of one call. Texts keep their length.

    Called with our own words about the call; :meth:`said` is for words of the call itself.
    """

    __slots__ = ("_named", "_person", "level")

    def __init__(self, names: tuple[str, ...], level: Level) -> None:
        self.level = level
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
        if self.level == "off":
            return call
        named = self._named is not None and self._named.search(call.replace("_", " "))
        if not named and not any(map(_tells, _TELLING.finditer(call))):
            return call
        return hashed(call)

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
        text = _SECRET.sub(_hide_secret, _PERSONAL.sub(_hide, text))
        return text if self._named is None else self._named.sub(self._name, text)

    def _name(self, match: re.Match[str]) -> str:
        name = match.group()
        return self._person.get(name.lower(), MASK) + _masked(name[1:])


def redactor(names: Iterable[str] = (), *, level: Level = "standard") -> Redactor:
    """A redactor for one call, whose names it knows.

    It masks e-mail and postal addresses, numbers of five digits and more, and passwords, written or spoken, in English
    and Chinese, and the names; at ``strict`` every word that was said.
    """
    return _redactor(tuple(dict.fromkeys(name.strip() for name in names if len(name.strip()) > 1)), level)


_redactor: Callable[[tuple[str, ...], Level], Redactor] = lru_cache(maxsize=1024)(Redactor)


def hashed(call: str) -> str:
    """``id-`` and a hash of the id of a call; of what is one already, itself."""
    if _HASHED.fullmatch(call):
        return call
    return f"id-{hashlib.blake2b(call.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def _apart(name: str) -> str:
    """A pattern for the name where it is no part of a longer word."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, name) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, name[-1]) else ""
    return before + re.escape(name) + after


def _masked(text: str) -> str:
    return re.sub(r"\S", MASK, text)


def _hide(match: re.Match[str]) -> str:
    """Mask what was found, unless a closer look shows that it tells nobody."""
    found = match.group()
    if match["amount"] is not None:
        return found
    if match["date"] is not None and not _BIRTH.search(match.string, max(0, match.start() - 40), match.start()):
        return found
    if match["iban"] is not None and not _is_iban(found):
        return re.sub(r"\d(?:[ -]?\d){4,}", lambda number: _masked(number.group()), found)
    if match["long"] is not None and set(found) & set(",;") and not _is_card_or_id(found):
        return re.sub(r"\d(?:[\s.-]{0,2}\d){4,}", lambda number: _masked(number.group()), found)
    return _masked(found)


def _hide_secret(match: re.Match[str]) -> str:
    start = match.start("secret") - match.start()
    return match.group()[:start] + _masked(match["secret"])


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

    return bool(ric.is_valid(re.sub(r"[^\dXx]", "", text)))
