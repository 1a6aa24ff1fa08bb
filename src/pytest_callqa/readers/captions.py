"""WebVTT and SubRip captions, with the ways in which tools write who speaks.

Read line by line here, because the libraries that could do it lose what a judgement needs: webvtt-py 0.6
drops a cue with a damaged time without a word (or refuses the file, with the cue's text in the
message) and gives a cue of two voices to the first; pysubs2 1.8 takes cue identifiers and damaged time
lines for speech, and drops voices. Here a damaged time costs the time, never the words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from pytest_callqa.call import Call, Turn
from pytest_callqa.errors import BadInput
from pytest_callqa.readers.clock import shown
from pytest_callqa.readers.content import Content
from pytest_callqa.readers.options import ReadOptions
from pytest_callqa.readers.roles import COLON, RoleMap, label_test, name_in_label, other_of_two, role_of_label
from pytest_callqa.readers.tolerance import tolerance

_ARROW = "-->"
_ASIDES = ("NOTE", "STYLE", "REGION")
_LINE = re.compile(r"\r\n|\r|\n")
# Possessive, so that a file of blanks and digits is looked at once and not once for each of them.
_SRT = re.compile(r"\s*+(?:\d++[ \t]*+(?:\r?\n)++)?+[ \t]*+\d++:\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?+[ \t]*+-->")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t]+(?P<name>[^<>]*))?>|</v>")
_TAG = re.compile(r"</?(?:[cibuv]|ruby|rt|lang|font)\b[^<>]*>|<[\d:.]+>|<v\b|\{\\an?\d+\}", re.IGNORECASE)
_WEBEX = re.compile(r"\d+ \"(?P<name>[^\"]+)\" \(\d+\)")
"""The identifier of a cue that says who speaks in it, as Webex writes it."""
_BRACKETED = re.compile(r"[\[【](?P<name>[^\[\]【】]{1,40})[\]】](?P<colon>[:：]?)\s*(?P<rest>.*)")
_ROUND = re.compile(r"[(（](?P<name>[^()（）]{1,40})[)）](?P<colon>[:：]?)\s*(?P<rest>.*)")
_NAMED = re.compile(rf"(?P<name>[^\W\d_][\w.'’()（）· -]{{0,39}}){COLON}(?P<rest>.*)")
_DASHED = re.compile(r"(?:[-–]|>>+)\s*(?P<rest>\D.*)")


_FEW_ROLLED = 2  # cues
_NEARLY_ALL = 0.8

_Style: TypeAlias = Literal["", "span", "bracket", "line", "name"]
"""How a label is written: a voice span, in brackets, on a line to itself, or before a colon."""


class _Cue(NamedTuple):
    start: float | None
    end: float | None
    lines: list[str]


class _Piece(NamedTuple):
    """What one voice says in a cue; ``label`` is empty where the file names nobody."""

    cue: _Cue
    text: str
    label: str
    style: _Style


class WebVtt:
    """WebVTT (W3C Recommendation): voice spans, or labels as in SubRip."""

    name = "webvtt"

    def recognise(self, content: Content) -> bool:
        """The first line says ``WEBVTT``."""
        return re.match(rb"\s*WEBVTT(?:[ \t\r\n]|$)", content.data) is not None

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` unless the text is UTF-8 and has cues."""
        return _call(content.text, self.name, options)


class SubRip:
    """SubRip (.srt), which has no rule for speakers: labels are read as tools write them."""

    name = "srt"

    def recognise(self, content: Content) -> bool:
        """The first cue's time line comes first, or second after a number."""
        return content.value is None and _SRT.match(content.text) is not None

    def read(self, content: Content, options: ReadOptions) -> Call:
        """Raises :class:`BadInput` unless the text is UTF-8 and has cues."""
        return _call(content.text, self.name, options)


def _call(text: str, format: str, options: ReadOptions) -> Call:
    cues = _unrolled([cue for cue in map(_plain, _cues(_LINE.split(text))) if cue.lines])
    if not cues:
        raise BadInput("The captions have no cue with words: export the call again.")
    is_label = _label_test(cues, RoleMap(options.roles))
    pieces = _with_carried_labels([piece for cue in cues for piece in _pieces(cue, is_label)])
    turns, told = other_of_two(
        tuple(
            Turn(
                role=role_of_label(piece.label),
                text=piece.text,
                start=piece.cue.start,
                end=piece.cue.end,
                speaker=piece.label,
            )
            for piece in pieces
        )
    )
    return Call(
        id="",
        turns=turns,
        tolerance=tolerance(format),
        names=tuple(sorted({name_in_label(piece.label) for piece in pieces} - {""})),
        limits=(*told, *_limits(cues, pieces)),
        format=format,
    )


def _cues(lines: Sequence[str]) -> Iterator[_Cue]:
    """The cues, also where a blank line is missing before one or slipped into its words."""
    cue: _Cue | None = None
    after_blank, voice = True, list[str]()
    numbers = _numbers(lines)
    for place, (line, following) in enumerate(pairwise((*lines, ""))):
        if _ARROW in line:
            if cue:
                yield cue
            start, _, end = line.partition(_ARROW)
            begun = shown(start)
            cue = _Cue(begun, None if begun is None else shown(end), voice)
            voice = []
        elif after_blank and line.startswith(_ASIDES):
            if cue:
                yield cue
            cue = None  # and so its lines belong to nothing
        elif _ARROW in following and (named := _WEBEX.fullmatch(line.strip())):
            voice = [f"<v {named['name']}>"]
        elif not cue or place in numbers or _is_identifier(line, following, after_blank=after_blank):
            pass
        elif line.strip():
            cue.lines.append(line.strip())
        after_blank = not line.strip()
    if cue:
        yield cue


def _numbers(lines: Sequence[str]) -> set[int]:
    """The places of cue numbers that stand by themselves, a blank line before and after, as some writers put them."""
    last, numbers = -1, set[int]()
    for place, line in enumerate(lines):
        if _ARROW in line and 0 <= last < place - 1 and lines[last].strip().isdigit() and not lines[last - 1].strip():
            numbers.add(last)
        if line.strip():
            last = place
    return numbers


def _plain(cue: _Cue) -> _Cue:
    """The cue without its type faces, in which a label may stand; voices are left, they are labels."""
    if any(_VOICE.search(line) for line in cue.lines):
        return cue
    return cue._replace(lines=[plain for line in cue.lines if (plain := _TAG.sub("", line).strip())])


def _unrolled(cues: list[_Cue]) -> list[_Cue]:
    """The cues without the line that each takes over from the one before it, in captions that roll up.

    A file is written that way if the first line of a cue that has several is nearly always the last of the cue
    before. Words that are only said twice stay.
    """
    rolled = [_takes_over(one, two) for one, two in pairwise(cues)]
    longer = [takes for takes, cue in zip(rolled, cues[1:], strict=True) if len(cue.lines) > 1]
    if sum(rolled) < _FEW_ROLLED or not any(longer) or sum(longer) < _NEARLY_ALL * len(longer):
        return cues
    unrolled = (cue._replace(lines=cue.lines[takes:]) for takes, cue in zip((False, *rolled), cues, strict=True))
    return [cue for cue in unrolled if cue.lines]


def _takes_over(one: _Cue, two: _Cue) -> bool:
    """Whether a cue begins, where the one before it ends, with the line it ended with."""
    touches = one.end is not None and two.start is not None and two.start <= one.end
    return touches and one.lines[-1] == two.lines[0]


def _is_identifier(line: str, following: str, *, after_blank: bool) -> bool:
    return _ARROW in following and (after_blank or line.strip().isdigit())


def _label_test(cues: Sequence[_Cue], roles: RoleMap) -> Callable[[str], bool]:
    """Tells a label from other words: see :func:`~pytest_callqa.readers.roles.label_test`."""
    labels = [
        [match["name"] if (match := _NAMED.fullmatch(_undashed(line))) else "" for line in cue.lines] for cue in cues
    ]
    found = (label for lines in labels for label in lines if label)
    return label_test([lines[0] for lines in labels], found, roles, of_cues=True)


def _undashed(line: str) -> str:
    """The line without the sign that somebody else speaks."""
    match = _DASHED.fullmatch(line)
    return match["rest"] if match else line


def _pieces(cue: _Cue, is_label: Callable[[str], bool]) -> Iterator[_Piece]:
    text = "\n".join(cue.lines)
    if _VOICE.search(text):
        yield from _voices(cue, text)
        return
    dashed = _DASHED.match(cue.lines[0]) is not None
    label, words = "", list[str]()
    style: _Style = ""
    for line in cue.lines:
        said = _undashed(line)
        bracketed = _BRACKETED.fullmatch(said) or _ROUND.fullmatch(said)
        match = bracketed or _NAMED.fullmatch(said)
        if match and (is_label(match["name"]) or (bracketed and bracketed["colon"])):
            yield from _piece(cue, words, label, style)
            label, words = match["name"], [match["rest"]]
            style = "name" if not bracketed else "bracket" if match["rest"] else "line"
        elif dashed and (match := _DASHED.fullmatch(line)):
            yield from _piece(cue, words, label, style)
            label, style, words = "", "", [match["rest"]]
        else:
            words.append(line)
    yield from _piece(cue, words, label, style)


def _voices(cue: _Cue, text: str) -> Iterator[_Piece]:
    """The spans of a cue, each with its voice; a span may end at ``</v>`` or at the next voice."""
    name, begin = "", 0
    for match in _VOICE.finditer(text):
        yield from _piece(cue, [text[begin : match.start()]], name, "span")
        name, begin = html.unescape(match["name"] or "").strip(), match.end()
    yield from _piece(cue, [text[begin:]], name, "span")


def _piece(cue: _Cue, lines: Iterable[str], label: str, style: _Style) -> Iterator[_Piece]:
    text = " ".join(html.unescape(_TAG.sub("", " ".join(lines))).split())
    if text:
        yield _Piece(cue, text, label, style)


def _with_carried_labels(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces, with a label that is shown only when the speaker changes put to all that it covers.

    A file is written that way if its labels have lines to themselves, or if they stand before a colon
    and none ever follows itself. Where spans or brackets name nobody, nobody is named.
    """
    labelled = [piece for piece in pieces if piece.label]
    on_change = len(labelled) > 2 and all(one.label != two.label for one, two in pairwise(labelled))
    styles = {piece.style for piece in labelled}
    if styles != {"line"} and not (styles == {"name"} and on_change):
        return list(pieces)
    carried, current = [], ""
    for piece in pieces:
        current = piece.label or current
        carried.append(piece._replace(label=current))
    return carried


def _limits(cues: Sequence[_Cue], pieces: Sequence[_Piece]) -> Iterator[str]:
    yield "captions show lines of text for reading: no words, no loudness, nothing that happens on the line"
    damaged = sum(cue.start is None or cue.end is None for cue in cues)
    if damaged:
        yield f"{damaged} of {len(cues)} captions have a damaged time, so times are not trusted"
    if len(pieces) > len(cues):
        yield "some captions hold several voices, whose times are those of the whole caption"
    unnamed = sum(not piece.label for piece in pieces)
    if unnamed:
        yield f"{unnamed} of {len(pieces)} captions do not say who speaks"
