"""Lists the traditional forms of the characters in the Chinese phrases: `python -m benchmarks.traditional`.

The phrases are written in simplified characters; recognisers for Taiwan and Hong Kong write traditional ones. What
OpenCC's table (Apache-2.0) simplifies to a character of the book, and the book does not hold itself, stands for it.
Needs a package that has `opencc.OpenCC`.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

PHRASES = Path(__file__).parents[1] / "conduct_specs" / "phrases"
TABLE = PHRASES / "zh.traditional.yaml"
HEAD = """\
# 繁體字：與本冊所用的簡體字視為同一個字。
# Traditional characters of what the other files write simplified, by OpenCC's table (Apache-2.0);
# written by benchmarks/traditional.py.
language: zh
"""


def traditional(known: set[str]) -> dict[str, str]:
    """The traditional characters by the simplified ones that they stand for."""
    from opencc import OpenCC

    simplify = OpenCC("t2s").convert
    signs = [chr(code) for code in range(0x4E00, 0xA000)]
    return {sign: plain for sign in signs if sign not in known and (plain := simplify(sign)) != sign and plain in known}


def main() -> None:
    files = [file for file in PHRASES.glob("zh*.yaml") if file != TABLE]
    found = traditional(set("".join(file.read_text(encoding="utf-8") for file in files)))
    pairs = ", ".join(f"{sign}: {plain}" for sign, plain in found.items())
    table = fill(f"expand: {{{pairs}}}", 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    TABLE.write_text(f"{HEAD}{table}\n", encoding="utf-8")
    print(f"{len(found)} traditional characters in {TABLE.name}")


if __name__ == "__main__":
    main()
