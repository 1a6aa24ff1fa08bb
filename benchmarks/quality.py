"""How well the phrases of the worked book hear what people really say: `python -m benchmarks quality [errors]`.

The labelled sets are halved by dialogue. Phrases are improved by reading errors of the development half only
(`errors` prints them); the figures that count are those on test strings that do not occur in development.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from benchmarks.measure import RESULTS, save
from pytest_callqa import plain
from pytest_callqa.phrases import PhraseBook, split_words, tokens

HERE = Path(__file__).parent
UTTERANCES = HERE / "data" / "utterances"
SHARE_ALIKE, PERMISSIVE = "cc-by-sa", "cdla-permissive"
LICENCES = {SHARE_ALIKE: "CC BY-SA 4.0", PERMISSIVE: "CDLA-Permissive-1.0"}
"""The folders of the utterances, by their licence: what quotes them stays in the same folder."""
READ_LINK = "../data/utterances/{}/labels-read.md"
PHRASES = HERE.parent / "conduct_specs" / "phrases"
ORGANISATION = {"organisation": ["the monitoring center hotline"]}
NOISE = (0.0, 0.065, 0.15, 0.30)
SEEDS = range(20261123, 20261131)
"""Each string is misheard once with each; the same on every machine."""

PROHIBITED = (
    "uncivil",
    "curses",
    "turns_away",
    "demands_repeat",
    "blames_the_line",
    "talks_back",
    "pleads_inexperience",
    "denies_the_call",
    "puts_off",
    "brushes_off",
    "refuses_bluntly",
    "casual_answer",
    "demands_understanding",
)
"""The phrases that the code says must not be said."""

GOALS = {"more help": 0.90, "closing wish": 0.85, "greeting": 0.80, "goodbye": 0.80}
"""F1 on test strings not seen in development."""

FALSE_ALARMS_GOAL = 0.1
LOST_GOAL = 0.08


@dataclass(frozen=True)
class Utterance:
    """One labelled string; ``development`` says which half its dialogue is in, ``last`` whether that ends with it."""

    text: str
    labels: frozenset[str]
    development: bool
    last: bool


def in_development(dialogue: str) -> bool:
    """Halves dialogues for good: the same dialogue is in the same half on every machine."""
    return hashlib.sha256(dialogue.encode()).digest()[0] % 2 == 0


def _read(file: str, dialogue: str, label: str) -> list[Utterance]:
    with gzip.open(UTTERANCES / file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    last = {row[dialogue]: number for number, row in enumerate(rows)}
    return [
        Utterance(
            row["text"],
            frozenset(row[label].split("|")),
            in_development(row[dialogue]),
            last[row[dialogue]] == number,
        )
        for number, row in enumerate(rows)
    ]


@cache
def system_turns() -> list[Utterance]:
    return _read(f"{SHARE_ALIKE}/sgd_dev_system.csv.gz", "dialogue", "acts")


@cache
def customer_sentences() -> list[Utterance]:
    return _read(f"{PERMISSIVE}/multidogo_dev_customer.csv.gz", "conversation", "intents")


# --- the labelled sets --------------------------------------------------------------------

WISH = re.compile(
    r"\b(have|hav|has|enjoy\w*|wish\w*|hope|good|great|nice|wonderful|pleasant|lovely|safe|happy)\b.*"
    r"\b(days?|one|time|evening|night|afternoon|morning|weekend|week|trip|journey|flight|stay|ride|visit|fun|luck|"
    r"meal|dinner|lunch|movie|film|show|music|song|concert|event|game|holidays?|vacation|party|rest|travels?|it|"
    r"yourself|yourselves|ahead|there|experience|drive|tour|match|moment)\b|\benjoy\b|\btake care\b|\bhave fun\b",
    re.IGNORECASE,
)
"""What a GOODBYE turn must hold to be labelled a closing wish, written from samples before any matching."""

APOLOGY = re.compile(r"\b(sorry|sory|apolog\w+|regret\w*|afraid|forgive|pardon|excuse)\b", re.IGNORECASE)
"""What a failure notice must hold to be labelled an apology: the act only says that there was a failure."""


@dataclass(frozen=True)
class LabelledSet:
    """Strings, the phrase that should hear them, and which of them it should hear."""

    phrase: str
    strings: Callable[[], list[Utterance]]
    positive: Callable[[Utterance], bool]
    plain: tuple[str, ...]
    regex: str
    aside: str = ""
    """Strings that hold what this finds bear one label only, and another: they count in a figure of their own."""
    asked: Callable[[Utterance], bool] = lambda said: True
    """What else the label wants of a string: a rule asks it too, such as that a wish ends the call."""
    licence: str = SHARE_ALIKE


SETS = {
    "more help": LabelledSet(
        "anything_else",
        system_turns,
        lambda said: "REQ_MORE" in said.labels,
        (
            "is there anything else i can do for you",
            "anything else i can help you with",
            "can i help you with anything else",
            "what else can i do for you",
            "do you need anything else",
            "will that be all",
        ),
        r"\b(any|some)thing (else|more)\b|\bwhat else (can|could|may) i\b"
        r"|\b(any|more|further|other) (help|assistance)\b|\bfurther (assist|help)|\bwill that be all\b",
    ),
    "closing wish": LabelledSet(
        "closing_wish",
        system_turns,
        lambda said: "GOODBYE" in said.labels and bool(WISH.search(said.text)),
        ("have a nice day", "have a great day", "have a good one", "enjoy the rest of your day", "enjoy your stay"),
        r"\bhave (a|an|yourself a) (\w+ )?\w+ (day|one|time|evening|night|afternoon|weekend|trip|stay)\b"
        r"|\benjoy (your|the)\b|\btake care\b|\bhave fun\b",
        r"(^|[.,!?;]|\b(and|please|to you)\b) *(please |do )?(have (fun|an?)|enjoy|good luck)\b",
        asked=lambda said: said.last,
    ),
    "greeting": LabelledSet(
        "hello",
        customer_sentences,
        lambda said: "openinggreeting" in said.labels,
        ("hello", "hi", "good morning", "good afternoon", "good evening", "greetings"),
        r"^\s*(hi+|hai|hello+|helo|hey+|hlo|good (morning|afternoon|evening|day)|greetings)\b",
        r"^(hi+|hai+|hello|haii|good (morning|afternoon|evening))\b",
        asked=lambda said: courtesy(said.text) == "hello",
        licence=PERMISSIVE,
    ),
    "goodbye": LabelledSet(
        "goodbye",
        customer_sentences,
        lambda said: "closinggreeting" in said.labels,
        ("goodbye", "bye", "bye bye", "have a nice day", "see you later", "take care", "good night"),
        r"\b(bye+|goodbye|good bye|take care|see you|have a (nice|good|great|wonderful) (day|one|evening|weekend))\b",
        r"\b(bye+|goodbye|good bye|see you|have (an? )?(nice|good|great|wonderful|lovely) (day|time|one|weekend))\b",
        asked=lambda said: courtesy(said.text) == "goodbye",
        licence=PERMISSIVE,
    ),
    "thanks": LabelledSet(
        "customer_thanks",
        customer_sentences,
        lambda said: "thankyou" in said.labels,
        ("thank you", "thanks", "thank you very much", "thanks a lot", "i appreciate it"),
        r"\b(thanks?( you)?|thank ?u|thx|thanx|ty|appreciate)\b",
        r"thank|\bty\b|\bthanx\b",
        licence=PERMISSIVE,
    ),
    "apology after a failure": LabelledSet(
        "apology",
        lambda: [said for said in system_turns() if "NOTIFY_FAILURE" in said.labels],
        lambda said: bool(APOLOGY.search(said.text)),
        ("i am sorry", "sorry", "i apologize", "my apologies"),
        r"\b(sorry|apologi[sz]e|apologies|afraid)\b",
    ),
}

READ = {
    "more help": "'Sure, The venue address is 1280 Peachtree Street …, Shall i help you with anything more?' is "
    "not labelled REQ_MORE, 'there are no other movies' is",
    "closing wish": "a positive is a GOODBYE turn that WISH finds ('You're welcome.' is none). Set aside as read: "
    "wishes before the end, 'Your tickets are ordered. Have fun.', which are not labelled GOODBYE",
    "greeting": "one label a sentence: 'hi i want to check my seats' is getseatinfo, 'hi' alone contentonly three "
    "times; such are set aside as read. 'hey' is labelled a greeting; the code forbids it, so it is not in the phrase",
    "goodbye": "one label a sentence: 'ok thank you so much bye' is thankyou, 'no thanks bye' rejection; set aside as "
    "read. 'with pleasure', 'will do' and 'nothing else' are labelled closinggreeting",
    "thanks": "one label a sentence: 'ok thanks' is confirmation, 'nothing thank you' rejection; set aside as read. "
    "'no thanks' is labelled thankyou and rejection alike; the phrase counts it as a refusal",
    "apology after a failure": "the act names the failure; the apology is labelled by its stems, see APOLOGY",
}


# --- the question that a label answers -----------------------------------------------------

COURTESIES = ("hello", "goodbye", "customer_thanks", "customer_nothing_more")


@cache
def telling_nothing() -> frozenset[str]:
    """Fillers, light words and signs of listening."""
    written = plain.load((PHRASES / "en.yaml").read_text(encoding="utf-8"))
    return frozenset(word for key in ("fillers", "light", "backchannels") for word in written[key])  # type: ignore[index,call-overload]


def courtesy(text: str) -> str:
    """The courtesy that a sentence begins with, if it holds little more: two telling words, such as a name; or "".

    A sentence has one label: "hi i want to check my seats" is no greeting there, "no thanks bye" no goodbye.
    """
    hits = [(hit.start, hit.end, name) for name in COURTESIES for hit in matcher().hits(text).get(name, ())]
    besides = [word.text for word in tokens(text) if not any(start <= word.start < end for start, end, _ in hits)]
    telling = [word for word in besides if word not in telling_nothing()]
    return min(hits)[2] if hits and len(telling) <= 2 else ""


# --- judges -------------------------------------------------------------------------------

Judge = Callable[[str], bool]


@cache
def matcher():
    """The matcher of the worked book; its memory serves all sets."""
    return PhraseBook.load(PHRASES).matcher("en", ORGANISATION)


def ours(labelled: LabelledSet) -> Judge:
    return lambda text: labelled.phrase in matcher().hits(text)


def partial(labelled: LabelledSet) -> Judge:
    return lambda text: any(fuzz.partial_ratio(plain, text.lower()) >= 85 for plain in labelled.plain)


def token_set(labelled: LabelledSet) -> Judge:
    return lambda text: any(fuzz.token_set_ratio(plain, text.lower()) >= 85 for plain in labelled.plain)


def regex(labelled: LabelledSet) -> Judge:
    pattern = re.compile(labelled.regex, re.IGNORECASE)
    return lambda text: bool(pattern.search(text))


def spacy_fuzzy(labelled: LabelledSet) -> Judge:
    """The plain wordings in spaCy's Matcher, every word of more than three letters FUZZY."""
    import spacy
    from spacy.matcher import Matcher

    language = spacy.blank("en")
    found = Matcher(language.vocab)
    found.add(
        "it",
        [
            [{"LOWER": {"FUZZY": word}} if len(word) > 3 else {"LOWER": word} for word in plain.split()]
            for plain in labelled.plain
        ],
    )
    return lambda text: bool(found(language(text)))


JUDGES: dict[str, Callable[[LabelledSet], Judge]] = {
    "callqa": ours,
    "regex": regex,
    "partial_ratio": partial,
    "token_set_ratio": token_set,
}
try:
    import spacy as _  # noqa: F401  # only if somebody has installed it: it brings 30 packages
except ImportError:
    pass
else:
    JUDGES["spacy FUZZY"] = spacy_fuzzy


# --- figures ------------------------------------------------------------------------------


def figures(
    judge: Judge, labelled: LabelledSet, strings: Iterable[tuple[str, Utterance]], *, asked: bool = False
) -> dict[str, float]:
    """Precision, recall and F1 over strings (as heard, as labelled); ``asked``: by the question the label answers."""
    right = wrong = missed = 0
    for heard, said in strings:
        positive, found = labelled.positive(said), judge(heard) and (not asked or labelled.asked(said))
        right += positive and found
        wrong += found and not positive
        missed += positive and not found
    precision = right / (right + wrong) if right + wrong else 1.0
    recall = right / (right + missed) if right + missed else 1.0
    f1 = 2 * right / (2 * right + wrong + missed) if right else 0.0
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
        "positives": right + missed,
    }


def set_aside(labelled: LabelledSet, said: Utterance) -> str:
    """What plainly says in the string what its label denies, or "": a sentence has one label, "ok thanks bye" three."""
    found = None if labelled.positive(said) or not labelled.aside else re.search(labelled.aside, said.text, re.I)
    return found[0].strip(" .,!?;") if found else ""


def seen_as(text: str) -> str:
    """What makes two strings the same: their words."""
    return " ".join(split_words(text))


def parts_of(labelled: LabelledSet) -> dict[str, list[Utterance]]:
    """The strings by half, and the test strings that do not occur in development (each once)."""
    strings = labelled.strings()
    seen = {seen_as(said.text) for said in strings if said.development}
    unseen: dict[str, Utterance] = {}
    for said in strings:
        if seen_as(said.text) not in seen:
            unseen.setdefault(seen_as(said.text), said)
    return {
        "development": [said for said in strings if said.development],
        "test": [said for said in strings if not said.development],
        "unseen": list(unseen.values()),
        "unseen as read": [said for said in unseen.values() if not set_aside(labelled, said)],
    }


# --- recognition noise --------------------------------------------------------------------


@cache
def vocabulary() -> tuple[list[str], list[int]]:
    """The words of both files by frequency, which insertions are drawn from."""
    counts = Counter(word for said in system_turns() + customer_sentences() for word in split_words(said.text))
    common = [(word, count) for word, count in counts.most_common() if count > 2 and word.isalpha()]
    return [word for word, _ in common], [count for _, count in common]


@cache
def confusions(word: str) -> tuple[str, ...]:
    """Real words that sound or are spelt like this one, the nearest first."""
    words, _ = vocabulary()
    return tuple(
        like
        for like, _, _ in process.extract(word, words, scorer=OSA.normalized_similarity, score_cutoff=0.5, limit=6)
        if like != word
    )


def misheard(text: str, rate: float, rng: random.Random, says: Judge) -> str:
    """The text with this share of word errors: six in ten substitutions, a quarter deletions, the rest insertions.

    A wrong word never ``says`` the phrase by itself, or its label would be wrong: "hi need" does greet.
    """
    heard: list[str] = []
    words, weights = vocabulary()
    for word in text.split():
        if rng.random() >= rate:
            heard.append(word)
            continue
        kind = rng.random()
        if kind < 0.6:
            like = [other for other in confusions("".join(split_words(word))) if not says(other)]
            heard.append(rng.choice(like) if like else word[1:] + word[:1])
        elif kind >= 0.85:
            extra = rng.choices(words, weights)[0]
            heard += [word] if says(extra) else [word, extra]
    return " ".join(heard)


def under_word_errors(judge: Judge, labelled: LabelledSet, said: Sequence[Utterance], rate: float) -> list[float]:
    """F1 over strings with this share of word errors, one figure a seed."""
    found = []
    for seed in SEEDS:
        rng = random.Random(seed)
        found.append(figures(judge, labelled, [(misheard(one.text, rate, rng, judge), one) for one in said])["f1"])
    return found


# --- the run ------------------------------------------------------------------------------


def false_alarms() -> dict[str, list[str]]:
    """The polite turns in which a prohibited phrase is heard, by phrase."""
    found: dict[str, list[str]] = {name: [] for name in PROHIBITED}
    for said in system_turns():
        hits = matcher().hits(said.text)
        for name in PROHIBITED:
            if name in hits:
                found[name].append(said.text)
    return found


def errors() -> None:
    """Print what is missed and wrongly heard in development, for whoever improves the phrases."""
    chosen = sys.argv[3:]
    for name, labelled in SETS.items():
        if chosen and name not in chosen:
            continue
        judge = ours(labelled)
        missed, wrong = Counter(), Counter()
        for said in parts_of(labelled)["development"]:
            if labelled.positive(said) != judge(said.text):
                (missed if labelled.positive(said) else wrong)[said.text, "|".join(said.labels)] += 1
        for title, counts in (("missed", missed), ("wrongly heard", wrong)):
            print(f"--- {name}: {title}, {sum(counts.values())}")
            for (text, label), count in counts.most_common(200):
                print(f"{count:4} [{label}] {text}")


def measure() -> dict[str, object]:
    """All figures of one run."""
    quality: dict[str, dict[str, object]] = {}
    for name, labelled in SETS.items():
        parts = parts_of(labelled)
        table: dict[str, object] = {"phrase": labelled.phrase, "read": READ[name]}
        for judge_name, make in JUDGES.items():
            judge = make(labelled)
            table[judge_name] = {
                part: figures(judge, labelled, [(said.text, said) for said in parts[part]]) for part in parts
            }
        judge = ours(labelled)
        unseen = parts["unseen"]
        table["callqa asked"] = figures(judge, labelled, [(said.text, said) for said in unseen], asked=True)
        table["set_aside"] = len(unseen) - len(parts["unseen as read"])
        table["unseen_f1_under_word_errors"] = {
            str(rate): under_word_errors(judge, labelled, parts["unseen as read"], rate) for rate in NOISE
        }
        quality[name] = table
    alarms = false_alarms()
    turns = len(system_turns())
    per_thousand = {name: round(1000 * len(texts) / turns, 3) for name, texts in alarms.items()}
    return {
        "sets": quality,
        "polite_turns": turns,
        "false_alarms_per_1000": per_thousand,
        "false_alarms_read": {name: texts[:5] for name, texts in alarms.items() if texts},
        "goals": {"unseen_f1": GOALS, "false_alarms_per_1000": FALSE_ALARMS_GOAL, "lost_at_15_percent": LOST_GOAL},
    }


def table_of(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table in Markdown, and an empty line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [*("| " + " | ".join(str(cell).replace("|", r"\|") for cell in line) + " |" for line in lines), ""]


def shown(figures: dict[str, float]) -> str:
    return f"{figures['f1']:.3f} ({figures['precision']:.3f}, {figures['recall']:.3f})"


def under(f1s: Sequence[float], clean: float | None = None) -> str:
    mean, error = statistics.mean(f1s), statistics.stdev(f1s) / len(f1s) ** 0.5
    return f"{mean:.3f}" + (f" ({clean - mean:.3f} ± {error:.3f})" if clean else "")


def markdown(measured: dict[str, object]) -> str:
    """The figures that count, in short tables."""
    sets: dict[str, dict[str, dict[str, dict[str, float]]]] = measured["sets"]  # type: ignore[assignment]
    titles = {name: f"{name} ({GOALS[name]:.2f})" if name in GOALS else name for name in sets}
    lines = ["# What the phrases hear", "", "F1 (precision, recall) on test strings that do not occur in development;"]
    lines += ["goal in brackets. *The label's question*: a string has one label, so what the label says is asked as"]
    lines += ["rules ask it: a closing wish ends the call; a greeting or a goodbye is what the sentence begins with,"]
    lines += ["and little more is said. *As read*: without strings that plainly hold what their label denies; all of"]
    lines += [f"them are listed with the words that say so: [{SHARE_ALIKE}]({READ_LINK.format(SHARE_ALIKE)}),"]
    lines += [f"[{PERMISSIVE}]({READ_LINK.format(PERMISSIVE)}).", ""]
    lines += table_of(
        ["set", "positives", "as labelled", "as labelled, the label's question", "as read", "set aside"],
        (
            [
                titles[name],
                table["callqa"]["unseen"]["positives"],
                shown(table["callqa"]["unseen"]),
                shown(table["callqa asked"]),  # type: ignore[arg-type]
                shown(table["callqa"]["unseen as read"]),
                table["set_aside"],
            ]
            for name, table in sets.items()
        ),
    )
    lines += ["Against others, F1 as read / as labelled:", ""]
    lines += table_of(
        ["set", *JUDGES],
        (
            [titles[name]]
            + [f"{table[judge]['unseen as read']['f1']:.3f} / {table[judge]['unseen']['f1']:.3f}" for judge in JUDGES]
            for name, table in sets.items()
        ),
    )
    lines += [
        f"Under word errors, as read: the mean of {len(SEEDS)} seeds. A wrong word is one of the files that is spelt"
    ]
    lines += ["alike, and none that says the phrase by itself. In brackets what 15% cost"]
    lines += [f"(goal {LOST_GOAL}), with the standard error.", ""]
    lines += table_of(
        ["set", *(f"{rate:.1%}" for rate in NOISE)],
        (
            [titles[name]] + [under(f1s, clean if rate == "0.15" else None) for rate, f1s in heard.items()]
            for name, table in sets.items()
            for heard in [table["unseen_f1_under_word_errors"]]
            for clean in [table["callqa"]["unseen as read"]["f1"]]
        ),
    )
    lines += [
        f"False alarms per 1,000 of {measured['polite_turns']:,} polite turns (goal {FALSE_ALARMS_GOAL}); what must be"
    ]
    lines += [
        "caught, each wording of the code with each one-word error among it, is in `tests/test_phrase_quality.py`:",
        "",
    ]
    lines += table_of(["prohibited phrase", "per 1,000"], measured["false_alarms_per_1000"].items())  # type: ignore[attr-defined]
    lines += ["Labels, as read:", ""]
    lines += [f"- {name}: {text}." for name, text in READ.items()]
    return "\n".join(lines) + "\n"


def labels_read(licence: str) -> str:
    """Every test string that is set aside, with what it says: for readers, not for whoever improves the phrases."""
    lines = ["# Labels that were read otherwise", "", "Written by `python -m benchmarks quality`: the test strings not"]
    lines += ["seen in development that say what their label denies, so that they count neither way in the figures as"]
    lines += ["read. Source and licence of every string here: see [README](../README.md); this file is under that"]
    lines += [f"of its folder, {LICENCES[licence]}.", ""]
    lines += table_of(
        ["set", "label", "read as the set, for it says", "heard", "string"],
        (
            [
                name,
                ", ".join(sorted(said.labels)) or "none",
                f"“{why}”",
                "yes" if ours(labelled)(said.text) else "no",
                said.text,
            ]
            for name, labelled in SETS.items()
            if labelled.licence == licence
            for said in parts_of(labelled)["unseen"]
            for why in [set_aside(labelled, said)]
            if why
        ),
    )
    return "\n".join(lines[:-1]) + "\n"


def main() -> None:
    if sys.argv[2:3] == ["errors"]:
        errors()
        return
    measured = measure()
    save("quality", measured)
    (RESULTS / "quality.md").write_text(markdown(measured), encoding="utf-8")
    for licence in LICENCES:
        (UTTERANCES / licence / "labels-read.md").write_text(labels_read(licence), encoding="utf-8")
    print(markdown(measured))
