"""Names of people in what is said: in English behind words that introduce or address somebody, in Chinese by rjieba."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pytest_callqa.errors import BadInput

if TYPE_CHECKING:
    from types import ModuleType

Span: TypeAlias = tuple[int, int]
"""Where something begins and ends in a text."""

_NO_NAME = (
    "A|An|And|April|At|August|Back|Bank|Bye|Can|Chinese|Could|December|Dutch|English|Everything|February|Friday"
    "|French|German|Goodbye|Good|Great|Fine|From|Glad|Happy|Have|Hello|Here|How|Is|It|January|July|June|Just|Let"
    "|Madam|March|May|Miss|Monday|Mr|Mrs|Ms|Much|My|Not|November|October|Okay|One|Our|Please|Saturday|September"
    "|Sir|So|Spanish|Sorry|Sunday|That|The|There|This|Thursday|Tuesday|Very|We|Wednesday|What|When|Where|Which"
    "|Will|Would|Yes|You|Your"
)
_FIRM = "Bank|Customer|Company|Group|Help|Hotel|Insurance|Service|Services|Shop|Support|Team|Technical|Telecom"
_WORD = rf"(?!(?:{_NO_NAME})\b)[A-Z](?:['’][A-Z])?[a-z]+(?:-[A-Z][a-z]+)?(?!\w)"
_NAME = rf"(?P<name>{_WORD}(?:\ {_WORD}){{0,2}})(?!\ (?:{_FIRM})\b)"
_ENGLISH = re.compile(
    rf"\b(?:(?i:my\ (?:full\ |first\ |last\ )?name(?:\ is|'s|’s)|(?:speaking|speak|talk|talking)\ (?:to|with)|ask\ for"
    rf"|mrs?\.?|ms\.?|miss|dr\.?|call\ me|dear|name\ of)\ (?-i:{_NAME})"
    rf"|(?i:this\ is|i\ am|i'm|i’m|it's|it’s)\ {_NAME.replace('name', 'told', 1)}"
    r"(?=,?\ (?:speaking|from|here|calling|with|and|how)\b|[.,!]?$)"
    rf"|(?i:thank\ you|thanks|hi|hello|good\ (?:morning|afternoon|evening)|sorry|bye|goodbye),?"
    rf"\ {_NAME.replace('name', 'greeted', 1)}(?=[.,!?]|$))"
)
"""A name with what introduces or addresses somebody before it; names are written large."""

_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
_SURNAME = (
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆石戴贾"
    "韦夏邱方侯邹熊孟秦白江阎闫薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严赖覃洪武莫孔汤常温康施文牛樊葛邢齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申耿]"
    "|欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐"
)
_NOT_AFTER = "(?![您你我他她好谢])"
_TITLE = "先生|女士|小姐|太太|老师|经理|师傅|医生|主任"
_BEGINS = re.compile(rf"[小老阿]?(?:{_SURNAME}){_NOT_AFTER}")
"""How most Chinese names begin; rjieba takes other words for names too."""

_ALONE = re.compile(_SURNAME)
_TITLED = re.compile(_TITLE)
_CHINESE = re.compile(
    rf"(?:我叫|我是|请问是|名字[是叫]|姓名是|转接|[谢找]|(?<![^\W]))，?(?P<name>(?:{_SURNAME}){_NOT_AFTER}[\u4e00-\u9fff]{{1,2}}?)"
    rf"(?=(?:{_TITLE})|[您你]好|[，。！？,.!?]|$)"
)
"""A name with what introduces it before it, and where it ends behind it."""


def names_in(text: str) -> Iterator[Span]:
    """Where people are named; places may overlap. Raises :class:`BadInput` without the extra that knows Chinese."""
    for match in _ENGLISH.finditer(text):
        yield match.span(match.lastgroup or 0)
    for words in _HAN.finditer(text):
        yield from _tagged(text, *words.span())
    for match in _CHINESE.finditer(text):
        yield match.span("name")


def _tagged(text: str, place: int, end: int) -> Iterator[Span]:
    """The names that rjieba finds in a run of Chinese; it may cut a surname off, which is then no word of its own."""
    surname = -1
    for word, kind in chinese().tag(text[place:end]):
        start, place = place, place + len(word)
        if kind.startswith("nr") and surname >= 0:
            yield surname, place
        surname = start if _ALONE.fullmatch(word) else -1
        known = len(word) > 1 or _TITLED.match(text, place) or text.endswith(("姓", "叫"), 0, start)
        if known and kind.startswith("nr") and _BEGINS.match(word):
            yield start, place


@lru_cache(maxsize=1)
def chinese() -> ModuleType:
    """What knows Chinese words and their kinds. Raises :class:`BadInput` without the extra."""
    try:
        import rjieba
    except ImportError:
        raise BadInput(
            "Masking names that no call gives needs rjieba: pip install 'pytest-callqa[names]', or mask less or all."
        ) from None
    return rjieba
