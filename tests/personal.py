"""Lines with personal data and where they are, made up at random: what redaction must find, and what it may leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from stdnum import iban, luhn
from stdnum.cn import ric

from pytest_callqa.redact import PERSONS, Level, redactor

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


# -- as people say it

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UM = ("um", "uh", "er", "um,", "uh,", "... um,", "then")
_UM_ZH = ("呃", "嗯", "，呃，", "，", "那个")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "October", "December")
_ORDINALS = ("first", "second", "third", "fifth", "eleventh", "twelfth", "twentieth", "thirtieth", "twenty-first")


def _pair(draw: random.Random) -> str:
    """Two digits as one says them: ``forty-one``, ``eleven``, ``oh five``."""
    number = draw.randint(1, 99)
    if number < 10:
        return f"oh {_ONES[number]}"
    if number < 20:
        return _TEENS[number - 10]
    return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def _pairs(draw: random.Random) -> str:
    return draw.choice([" ", ", ", " "]).join(_pair(draw) for _ in range(draw.randint(4, 8)))


def _broken(draw: random.Random) -> str:
    """Digits with hesitations between them, in words or as the recogniser writes them."""
    groups = []
    for _ in range(draw.randint(3, 4)):
        figures = _digits(draw, draw.randint(2, 4))
        groups.append(figures if draw.random() < 0.5 else " ".join(_ONES[int(figure)] for figure in figures))
    return f" {draw.choice(_UM)} ".join(groups)


def _doubled(draw: random.Random) -> str:
    words = [draw.choice(_ONES) for _ in range(5)]
    return " ".join([*words, f"{draw.choice(['double', 'triple'])} {draw.choice(_ONES)}", draw.choice(_ONES)])


def _four(draw: random.Random) -> str:
    figures = _digits(draw, 4)
    spoken = " ".join(_ONES[int(figure)] for figure in figures)
    return draw.choice([figures, spoken, spoken.replace("zero", "oh"), f"{_pair(draw)} {_pair(draw)}"])


def _three(draw: random.Random) -> str:
    figures = _digits(draw, 3)
    return draw.choice([figures, " ".join(_ONES[int(figure)] for figure in figures)])


def _ssn(draw: random.Random) -> str:
    return f"{_digits(draw, 3)}-{_digits(draw, 2)}-{_digits(draw, 4)}"


def _spoken_mail(draw: random.Random) -> str:
    name = draw.choice(["anna dot li", "bo underscore chen", "maria", "j dot o dot neil", "a n n a", "kim 82"])
    return f"{name} at {draw.choice(['example dot com', 'mail dot co dot uk', 'gmail.com', 'g m x dot de'])}"


def _mail_zh(draw: random.Random) -> str:
    name = draw.choice(["anna点li", "bochen", "一六三五二", "li下划线wei", "wang88"])
    return f"{name}{draw.choice(['艾特', ' at ', '@', '圈a'])}{draw.choice(['example点com', 'qq点com', '一二六点com'])}"


def _lower_street(draw: random.Random) -> str:
    house = draw.choice([str(draw.randint(1, 400)), f"{draw.randint(1, 99)}b", _pair(draw)])
    name = draw.choice(["baker", "old mill", "rosebery", "saint james", "main", "north peachtree"])
    return f"{house} {name} {draw.choice(['street', 'road', 'avenue', 'lane', 'drive', 'crescent'])}"


def _postcode(draw: random.Random) -> str:
    code = draw.choice(["EC1R 4TD", "SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "EC1R4TD"])
    return draw.choice([code, code.lower()])


def _birthday(draw: random.Random) -> str:
    day, month, year = draw.randint(1, 28), draw.choice(_MONTHS), draw.randint(1940, 2004)
    return draw.choice(
        [
            f"{day} {month} {year}",
            f"{month} {day}, {year}",
            f"3rd of {month} {year}",
            f"the {draw.choice(_ORDINALS)} of {month} nineteen {_TENS[draw.randint(4, 9)]}",
            f"{month} {draw.choice(_ORDINALS)} {year}",
            f"{day:02}/{draw.randint(1, 12):02}/{year}",
            f"{month.lower()} the {draw.choice(_ORDINALS)}",
        ]
    )


_FIGURES = "零一二三四五六七八九"


def _birthday_zh(draw: random.Random) -> str:
    year, month, day = draw.randint(1940, 2004), draw.randint(1, 12), draw.randint(1, 28)
    said = "".join(_FIGURES[int(figure)] for figure in str(year))
    return draw.choice([f"{year}年{month}月{day}日", f"{said}年{draw.choice('三五七')}月二号", f"{year}-{month}-{day}"])


def _broken_zh(draw: random.Random) -> str:
    groups = []
    for _ in range(3):
        figures = _digits(draw, draw.randint(2, 4))
        groups.append(draw.choice([figures, "".join(_FIGURES[int(figure)] for figure in figures)]))
    return draw.choice(_UM_ZH).join(groups)


def _four_zh(draw: random.Random) -> str:
    figures = _digits(draw, 4)
    return draw.choice([figures, "".join(_FIGURES[int(figure)] for figure in figures)])


Maker = Callable[[random.Random], str]
_EN: dict[str, tuple[tuple[str, ...], Maker]] = {
    "card": (("My card number is {}.", "It's {}, expiring soon", "so {} is what it says on the front"), _card),
    "phone": (("Call me back on {} please", "My number: {}", "you can reach me at {} after work"), _phone),
    "account": (("The account is {}.", "account {} at your bank", "policy number {}, I think"), _account),
    "social security": (("my social is {}", "Social security number {}.", "it's {} for the form"), _ssn),
    "iban": (("Transfer it to {} today", "IBAN {}."), _iban),
    "mail": (("Write to {}.", "my e-mail is {}, thanks", "is {} still right?"), _mail),
    "spoken mail": (("it is {} you know", "send it to {} please", "yeah, {}"), _spoken_mail),
    "spoken": (("the number is {}.", "uh {} okay", "let me read it, {}"), _spoken),
    "spoken in pairs": (("the number is {}.", "okay so {}, got that?", "it says {}"), _pairs),
    "broken": (("it is {}.", "the card is, let me see, {}", "sure, {} okay"), _broken),
    "doubled": (("it is {}.", "my phone, {}, that's it"), _doubled),
    "last four": (
        (
            "the card ends in {}.",
            "the last four digits are {}",
            "ending {} I think",
            "last four {}, yes",
            "it ends with {}",
        ),
        _four,
    ),
    "security code": (
        ("the cvv {}.", "CVC is {}, yes", "security code {}", "the security code on the back is {}"),
        _three,
    ),
    "pin": (("my pin is {}.", "the PIN number is {} I guess", "my passcode is um {}"), _four),
    "address": (("I live at {}.", "Send it to {}, please", "I'm at {}, Springfield"), _street),
    "lower-case address": (("i live at {}", "send it to {} please", "we moved to {}, last year"), _lower_street),
    "postcode": (("the postcode is {}.", "it's {}, in London", "14 Rosebery Avenue, {}"), _postcode),
    "birthday": (("I was born on {}.", "date of birth is {}", "my birthday is {}, yes"), _birthday),
    "password": (("My password is {}.", "the passcode: {}, I think"), _password),
}
_ZH: dict[str, tuple[tuple[str, ...], Maker]] = {
    "card": (("我的卡号是{}。", "卡号{}，谢谢", "就是{}这张卡"), _card),
    "phone": (("请打我电话{}。", "手机号是{}，谢谢", "您记一下{}"), _mobile),
    "account": (("账号是{}。", "账户{}没有到账", "保单号{}"), _account),
    "identity": (("身份证号{}。", "我的身份证是{}，对"), _identity),
    "mail": (("请发到{}。", "邮箱是{}，谢谢"), _mail),
    "spoken mail": (("邮箱是{}。", "请发到{}，谢谢", "我的邮箱{}"), _mail_zh),
    "spoken": (("电话是{}。", "嗯，{}，对的", "卡号我念一下，{}"), _spoken_zh),
    "broken": (("号码是{}。", "卡号是{}，对", "您听好，{}"), _broken_zh),
    "last four": (("尾号{}的卡。", "尾号是{}", "后四位是{}，对", "卡号末四位{}"), _four_zh),
    "security code": (("安全码是{}。", "验证码{}", "背面的安全码是，{}"), _four_zh),
    "birthday": (("我出生于{}。", "生日是{}", "我是{}出生的", "出生日期：{}"), _birthday_zh),
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
_HARD = {
    "en": {
        "amount": (
            "The refund is ${n},{n3}.",
            "That was {n3}{n} dollars in total.",
            "It costs forty-nine ninety-nine a month.",
            "twelve thousand three hundred and forty-one pounds",
            "We charge two fifty, three fifty or four fifty.",
            "Plans are nineteen ninety-nine, twenty-four ninety-nine, or more.",
        ),
        "time": (
            "between nine thirty and eleven forty-five",
            "at five forty-five tomorrow, or at six fifteen",
            "It has been like that since twenty twenty-four.",
            "In nineteen ninety-nine we moved here.",
            "the contract ends in 2027",
            "we are there twenty-four seven, from {h} to {h}",
            "on the third of May we called you",
        ),
        "product": (
            "The iPhone {d} and the Galaxy S{n} Ultra, both with 8 GB.",
            "Office 365 on Windows 11 does not start.",
            "I fly a Boeing 737 from gate {n}.",
            "My router is an AC{n}00 from 20{d}.",
            "It is the S{n} 4GB model.",
            "the three in one printer, model two",
        ),
        "count": (
            "I called three, four, maybe five times.",
            "one or two of the three people on the second floor",
            "I have been on hold for {n} minutes, {n3} seconds.",
            "two lane road, one way street, four way stop",
            "The pin was wrong, I tried it {h} times.",
            "my security code was not accepted",
            "in {h} out of {n} cases, {n} percent",
        ),
        "order number": ("order number {n3}{n}", "The order is A-{n3}{n3}.", "your order {n3}-{n3}{n}"),
        "case number": ("case number {n3}{n3}", "Your ticket is INC{n3}{n3}{h}.", "reference 2026{n}{n3}"),
    },
    "zh": {
        "amount": ("退款是{n3}{n}元。", "一共一万两千三百块", "每月四十九块九", "大概{n3}块钱"),
        "time": (
            "九点半到十一点四十五",
            "从二零二四年开始就这样",
            "11月{d}日给您打过电话",
            "合同到2027年",
            "大概三四十分钟",
            "一九九九年搬来的",
        ),
        "product": ("苹果{d}和三星S{n}都有", "Windows 11打不开", "我订的是{n}号车厢", "型号是三十二寸的"),
        "count": (
            "打了三四次",
            "一两个人在二楼",
            "等了{n}分钟{n3}秒",
            "密码错了，试了{h}次",
            "百分之九十五",
            "七八个月了",
        ),
        "order number": ("订单号{n3}{n}", "订单{n3}{n3}还没发货"),
        "case number": ("工单号{n3}{n3}", "您的工单是{n3}{n}"),
    },
}
"""What looks personal and is not. Numbers of orders and cases are masked on purpose from five digits on."""

HARD = tuple(_HARD["en"])

_UNGIVEN = {
    "en": (
        *(
            "Peter Walsh",
            "Ingrid Solberg",
            "Tom Becker",
            "Aisha Rahman",
            "Lucia Ferrari",
            "James O'Neill",
            "Priya Nair",
        ),
        *("Kwame Mensah", "Elif Yilmaz", "Sean Murphy", "Chloe Martin", "Jonas Weber", "Mei Tanaka", "Olga Petrova"),
    ),
    "zh": (
        *("张伟", "刘洋", "陈建国", "赵敏", "周晓东", "吴丽华", "徐志强", "孙红梅", "马国栋", "高志远", "郭靖", "黄蓉"),
        *("林子豪", "罗文静", "梁思成", "郑爽", "宋佳", "欧阳娜", "司马懿", "何勇"),
    ),
}
_SAID = {
    "en": (
        "My name is {}.",
        "This is {} speaking, how can I help?",
        "Am I speaking with {}?",
        "Thank you, {}!",
        "Hello {}, I have your order here.",
        "I'm {} from the workshop.",
        "Could you put me through to Ms {}?",
        "I think {} called you yesterday.",
    ),
    "zh": (
        "我叫{}。",
        "我是{}，工号您记一下",
        "请问是{}先生吗？",
        "{}您好",
        "麻烦您转接{}",
        "谢谢，{}",
        "昨天{}打过电话",
        "是{}的订单",
    ),
}


def ungiven(language: str, number: int) -> list[Line]:
    """So many lines, always the same, with a name that no call gives."""
    draw = random.Random(f"names {language} {number}")
    lines = []
    for _ in range(number):
        name, frame = draw.choice(_UNGIVEN[language]), draw.choice(_SAID[language])
        lines.append(Line(frame.format(name), "name not given", name, frame.index("{}")))
    return lines


def labelled(language: str, number: int) -> list[Line]:
    """So many lines, always the same; a third of them hold nothing personal."""
    return list(_lines(language, number))


def _lines(language: str, number: int) -> Iterator[Line]:
    draw = random.Random(f"{language} {number}")
    makers = _EN if language == "en" else _ZH
    for place in range(number):
        if place % 3 == 2:
            figures = {"h": draw.randint(1, 9), "n": draw.randint(10, 99), "n3": draw.randint(100, 999)}
            figures["d"] = draw.randint(10, 28)
            kind = draw.choice(["harmless", *HARD])
            text = draw.choice(_HARMLESS[language] if kind == "harmless" else _HARD[language][kind])
            yield Line(text.format(**figures), kind, None, 0)
            continue
        kind = draw.choice([*makers, "name"])
        secret = draw.choice(_NAMES[language]) if kind == "name" else makers[kind][1](draw)
        frame = draw.choice(_NAMED[language] if kind == "name" else makers[kind][0])
        yield Line(frame.format(secret), kind, secret, frame.index("{}"), _NAMES[language])


class Tally(NamedTuple):
    """How many lines of a kind there were, and in how many its secret was masked whole, or something harmless was."""

    lines: int = 0
    hit: int = 0


def tally(lines: Iterable[Line], level: Level = "standard") -> dict[str, Tally]:
    """What redaction makes of such lines, by kind."""
    found: dict[str, Tally] = {}
    for line in lines:
        masked = redactor(line.names, level=level)(line.text)
        left = masked[line.start : line.start + len(line.secret or "")]
        hidden = not any(sign.isalnum() and sign not in PERSONS for sign in left)
        hit = masked != line.text if line.secret is None else hidden
        before = found.get(line.kind, Tally())
        found[line.kind] = Tally(before.lines + 1, before.hit + hit)
    return found
