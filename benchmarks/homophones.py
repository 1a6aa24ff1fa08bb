"""Lists which Chinese characters a recogniser may take for each other: `python -m benchmarks.homophones`.

There are no free transcripts that give what was said in Chinese beside what was heard. What recognisers mix up is what
sounds the same, small words above all: the words around them do not tell them apart. So the table lists each light word
of the book's Chinese phrases with its most usual homophone, by how many phrases of pypinyin's dictionary (MIT) hold it.
It goes into the package, as the recognition noise of variants in Chinese.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pytest_callqa import plain

ROOT = Path(__file__).parents[1]
PHRASES = ROOT / "conduct_specs" / "phrases" / "zh.yaml"
TABLE = ROOT / "src" / "pytest_callqa" / "scenarios" / "homophones.csv"
HEAD = """\
# The most usual homophone of the light words of conduct_specs/phrases/zh.yaml, and how many phrases hold it, counted in
# the dictionary of pypinyin (https://github.com/mozillazg/python-pinyin, MIT) by benchmarks/homophones.py.
said,heard,times
"""


def homophones(words: list[str]) -> dict[str, tuple[str, int]]:
    """For each character its most usual homophone of the same tone, and how many phrases hold that."""
    from pypinyin.constants import PHRASES_DICT

    counts: dict[str, Counter[str]] = {}
    for phrase, syllables in PHRASES_DICT.items():
        for sign, readings in zip(phrase, syllables, strict=False):
            counts.setdefault(sign, Counter())[readings[0]] += 1
    usual = {sign: readings.most_common(1)[0] for sign, readings in counts.items()}
    found = {}
    for word in filter(usual.__contains__, words):
        alike = [(times, sign) for sign, (read, times) in usual.items() if read == usual[word][0] and sign != word]
        if alike:
            times, sign = max(alike)
            found[word] = sign, times
    return found


def main() -> None:
    found = homophones(plain.load(PHRASES.read_text(encoding="utf-8"))["light"])
    lines = [f"{said},{heard},{times}\n" for said, (heard, times) in sorted(found.items())]
    TABLE.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{len(lines)} homophones in {TABLE.name}")


if __name__ == "__main__":
    main()
