"""Lines with personal data and where they are, made up at random: what redaction must find, and what it may leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from stdnum import iban, luhn
from stdnum.cn import ric

LANGUAGES = ("en", "zh")


class Line(NamedTuple):
    """A text, the kind of the secret in it, the secret and where it begins (None: there is none), and known names."""

    text: str
    kind: str
    secret: str | None
    start: int
    names: tuple[str, ...] = ()


def _digits(draw: random.Random, number: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(number))


def _card(draw: random.Random) -> str:
    digits = draw.choice("45") + _digits(draw, 14)
    digits += luhn.calc_check_digit(digits)
    return draw.choice([" ", "-", "", ", "]).join(digits[n : n + 4] for n in range(0, 16, 4))


def _phone(draw: random.Random) -> str:
    shapes = ("+1 ({}) {}-{}", "{}-{}-{}", "+44 {} {} {}", "{} {} {}")
    return draw.choice(shapes).format(_digits(draw, 3), _digits(draw, 3), _digits(draw, 4))


def _mobile(draw: random.Random) -> str:
    digits = "1" + draw.choice("3578") + _digits(draw, 9)
    return draw.choice(
        [digits, f"{digits[:3]} {digits[3:7]} {digits[7:]}", f"+86 {digits}", f"{digits[:3]}-{digits[3:]}"]
    )


def _identity(draw: random.Random) -> str:
    stem = f"{draw.choice(['110105', '310104', '440106'])}19{draw.randint(50, 99)}{draw.randint(1, 12):02}"
    stem += f"{draw.randint(1, 28):02}{_digits(draw, 3)}"
    return stem + ric.calc_check_digit(stem)


def _iban(draw: random.Random) -> str:
    stem = _digits(draw, 18)
    number = f"DE{iban.calc_check_digits('DE00' + stem)}{stem}"
    return draw.choice([number, " ".join(number[n : n + 4] for n in range(0, len(number), 4))])


def _mail(draw: random.Random) -> str:
    name, place = draw.choice(["anna.li", "bo_chen", "k.o-neil+shop"]), draw.choice(["example.com", "mail.example.org"])
    return f"{name}{draw.randint(1, 99)}@{place}"


def _spoken_mail(draw: random.Random) -> str:
    return (
        f"{draw.choice(['anna', 'bo'])} dot {draw.choice(['li', 'chen'])} at {draw.choice(['example', 'mail'])} dot com"
    )


def _spoken(draw: random.Random) -> str:
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return " ".join(draw.choice(words) for _ in range(draw.randint(6, 12)))


def _spoken_zh(draw: random.Random) -> str:
    return "".join(draw.choice("零幺二三四五六七八九") for _ in range(draw.randint(7, 11)))


def _street(draw: random.Random) -> str:
    number, name = draw.randint(1, 2999), draw.choice(["Baker", "Old Mill", "St. James", "Peachtree"])
    return f"{number} {name} {draw.choice(['Street', 'Road', 'Ave', 'Lane', 'Drive'])}"


def _street_zh(draw: random.Random) -> str:
    place = draw.choice(["北京市海淀区中关村大街", "上海市静安区南京西路", "广州市天河区体育东路"])
    return f"{place}{draw.randint(1, 300)}号{draw.choice(['', '3单元502室', '8楼'])}"


def _password(draw: random.Random) -> str:
    return "".join(draw.choice("abcdefghkmnpqrstuvwxyz23456789") for _ in range(draw.randint(6, 12)))


def _account(draw: random.Random) -> str:
    return _digits(draw, draw.randint(7, 12))


Maker = Callable[[random.Random], str]
_EN: dict[str, tuple[tuple[str, ...], Maker]] = {
    "card": (("My card number is {}.", "It's {}, expiring soon"), _card),
    "phone": (("Call me back on {} please", "My number: {}"), _phone),
    "account": (("The account is {}.", "account {} at your bank"), _account),
    "iban": (("Transfer it to {} today", "IBAN {}."), _iban),
    "mail": (("Write to {}.", "my e-mail is {}, thanks"), _mail),
    "spoken mail": (("it is {} you know", "send it to {} please"), _spoken_mail),
    "spoken": (("the number is {}.", "uh {} okay"), _spoken),
    "address": (("I live at {}.", "Send it to {}, please"), _street),
    "password": (("My password is {}.", "the passcode: {}, I think"), _password),
}
_ZH: dict[str, tuple[tuple[str, ...], Maker]] = {
    "card": (("我的卡号是{}。", "卡号{}，谢谢"), _card),
    "phone": (("请打我电话{}。", "手机号是{}，谢谢"), _mobile),
    "account": (("账号是{}。", "账户{}没有到账"), _account),
    "identity": (("身份证号{}。", "我的身份证是{}，对"), _identity),
    "mail": (("请发到{}。", "邮箱是{}，谢谢"), _mail),
    "spoken": (("电话是{}。", "嗯，{}，对的"), _spoken_zh),
    "address": (("我住在{}。", "请寄到{}，谢谢"), _street_zh),
    "password": (("密码是{}。", "我的口令：{}，对吧"), _password),
}
_NAMES = {"en": ("Anna Li", "Bo Chen", "Maria Sanchez"), "zh": ("王小明", "李娜", "欧阳锋")}
_NAMED = {"en": ("This is {} speaking.", "Thank you, {}!"), "zh": ("我是{}。", "{}您好")}
_HARMLESS = {
    "en": (
        "We open at {h}:30 and close at 18:00.",
        "That will be {n},{n3}.50 dollars.",
        "On 2026-11-{d} we changed it.",
        "It takes {h} to {d} days.",
        "Room {n}{n}, second floor.",
        "Press {h}, then {h}.",
        "I forgot my password, please help.",
        "Look at two or three of them.",
        "The version is {h}.{h}.{d}.",
        "I walked down the Old Mill Road.",
    ),
    "zh": (
        "我们{h}点半开门，六点关门。",
        "一共{n}元。",
        "2026-11-{d}改过一次。",
        "需要三到五天。",
        "在{n}房间。",
        "请按{h}，再按{h}。",
        "我忘记密码了，请帮忙。",
        "那条路很长。",
        "版本是{h}.{h}。",
        "在二楼等您。",
    ),
}
KINDS = tuple(dict.fromkeys([*_EN, *_ZH, "name", "harmless"]))


def labelled(language: str, number: int) -> list[Line]:
    """So many lines, always the same; a third of them hold nothing personal."""
    return list(_lines(language, number))


def _lines(language: str, number: int) -> Iterator[Line]:
    draw = random.Random(f"{language} {number}")
    makers = _EN if language == "en" else _ZH
    for place in range(number):
        if place % 3 == 2:
            text = draw.choice(_HARMLESS[language])
            figures = {"h": draw.randint(1, 9), "n": draw.randint(10, 99), "n3": draw.randint(100, 999)}
            yield Line(text.format(d=draw.randint(10, 28), **figures), "harmless", None, 0)
            continue
        kind = draw.choice([*makers, "name"])
        secret = draw.choice(_NAMES[language]) if kind == "name" else makers[kind][1](draw)
        frame = draw.choice(_NAMED[language] if kind == "name" else makers[kind][0])
        yield Line(frame.format(secret), kind, secret, frame.index("{}"), _NAMES[language])
