"""One call in several formats is judged alike where each can decide; where one cannot, it says why.

The calls are real: an insurance call as two of Azure's services wrote it, and one clip as Deepgram (twice),
AssemblyAI and Whisper heard it. The other two forms of the insurance call are written from its phrases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from examples import CODE, call, make_rule, silence, turn
from pytest_callqa.call import Call, Role
from pytest_callqa.cli import BOOK
from pytest_callqa.engine import judge, judge_call
from pytest_callqa.errors import Undecided
from pytest_callqa.hearing import Hearing, Moment
from pytest_callqa.readers import ReadOptions, read_calls
from pytest_callqa.rules import Code, RuleBook, situation
from pytest_callqa.verdict import Outcome, Verdict
from readers_kit import CALLS
from readers_kit import call as read

TWO: Mapping[str, Role] = {"1": "agent", "2": "customer"}
FAST = CALLS / "azure" / "fast_named_batch.json"


@cache
def book() -> RuleBook:
    return RuleBook.load(BOOK)


def judged(record: Call) -> dict[str, Verdict]:
    return {verdict.clause: verdict for verdict in judge_call(book(), record, language="en", organisation="Contoso")}


def insurance() -> list[dict[str, object]]:
    """The phrases of the real call as Azure's fast API wrote them."""
    return json.loads(FAST.read_bytes())["phrases"]  # type: ignore[no-any-return]


def as_vtt() -> str:
    def clock(milliseconds: int) -> str:
        return f"{milliseconds // 60_000:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"

    cues = [
        f"{clock(one['offsetMilliseconds'])} --> {clock(one['offsetMilliseconds'] + one['durationMilliseconds'])}\n"
        f"<v {NAMES[one['speaker']]}>{one['text']}"
        for one in insurance()
    ]
    return "WEBVTT\n\n" + "\n\n".join(cues) + "\n"


NAMES = {1: "Agent", 2: "Customer"}


def as_content_understanding() -> dict[str, object]:
    phrases = [
        {
            "speaker": NAMES[one["speaker"]],
            "startTimeMs": one["offsetMilliseconds"],
            "endTimeMs": one["offsetMilliseconds"] + one["durationMilliseconds"],
            "text": one["text"],
            "words": [
                {
                    "text": word["text"],
                    "startTimeMs": word["offsetMilliseconds"],
                    "endTimeMs": word["offsetMilliseconds"] + word["durationMilliseconds"],
                }
                for word in one["words"]
            ],
        }
        for one in insurance()
    ]
    end = phrases[-1]["endTimeMs"]
    return {"result": {"contents": [{"markdown": as_vtt(), "transcriptPhrases": phrases, "endTimeMs": end}]}}


def as_markdown() -> dict[str, object]:
    return {"result": {"contents": [{"markdown": f"# Audio\n\n```{as_vtt()}\n```\n"}]}}


def insurance_call() -> dict[str, Call]:
    by_number = ReadOptions(roles=TWO)
    return {
        "batch": read(Path("azure/batch_named_fast.json"), by_number),
        "fast": read(FAST.read_bytes(), by_number),
        "content understanding": read(as_content_understanding()),
        "content understanding, Markdown only": read(as_markdown()),
        "webvtt": read(as_vtt()),
    }


def clip() -> dict[str, Call]:
    return {
        file.partition("/")[2]: read(Path(file), ReadOptions(roles={"": "agent", "A": "agent"}))
        for file in (
            "deepgram/dg_transcription.json",
            "deepgram/dg_utterances.json",
            "assemblyai/assemblyai_transcription.json",
            "whisper/whisper_timestamped.json",
        )
    }


@pytest.mark.parametrize("forms", [insurance_call, clip])
def test_one_call_in_several_formats_is_judged_alike(forms: Callable[[], dict[str, Call]]) -> None:
    verdicts = {name: judged(call) for name, call in forms().items()}
    for clause in verdicts[next(iter(verdicts))]:
        decided = {
            of[clause].outcome for of in verdicts.values() if of[clause].outcome in (Outcome.PASSED, Outcome.FAILED)
        }
        assert len(decided) < 2, (
            clause,
            {name: (of[clause].outcome, of[clause].reason) for name, of in verdicts.items()},
        )
        for of in verdicts.values():
            assert of[clause].outcome is not Outcome.UNDECIDED or of[clause].reason
    assert any(one.outcome in (Outcome.PASSED, Outcome.FAILED) for one in list(verdicts.values())[1].values())


def test_the_clip_is_judged_to_the_same_verdict_in_all_its_formats() -> None:
    outcomes = [{clause: one.outcome for clause, one in judged(call).items()} for call in clip().values()]
    assert all(one == two for one, two in pairwise(outcomes))


def test_speakers_that_were_mixed_up_are_nobodys_whatever_a_map_for_all_files_says() -> None:
    mixed = insurance_call()["batch"]
    assert mixed.roles == "unknown"
    assert {turn.role for turn in mixed.turns} == {"unknown"}
    assert mixed.limits[0] == (
        "the recogniser mixed up its speakers: 9 of 26 times they change without a pause, within a sentence"
    )
    verdict = judged(mixed)["3.1.1"]
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.reason == f"who is the agent cannot be told: {mixed.limits[0]}"


def test_a_role_map_for_the_very_file_decides_who_is_who(tmp_path: Path) -> None:
    file = tmp_path / "call.json"
    file.write_bytes((CALLS / "azure/batch_named_fast.json").read_bytes())
    file.with_suffix(".meta.yaml").write_text("roles: {1: agent, 2: customer}")
    [mixed] = read_calls([str(file)], ReadOptions())
    assert isinstance(mixed, Call)
    assert mixed.roles == "mapped"
    assert {turn.role for turn in mixed.turns} == {"agent", "customer"}
    assert "mixed up its speakers" in mixed.limits[0], "and that is still told"


def test_two_numbers_that_the_map_gives_to_one_role_are_not_mixed_up() -> None:
    one_role = ReadOptions(roles={"1": "agent", "2": "agent"})
    assert read(Path("azure/batch_named_fast.json"), one_role).roles == "mapped"


def test_speakers_that_now_and_then_change_without_a_pause_are_not_mixed_up() -> None:
    def spoken(gaps: list[float]) -> Call:
        now, recognised = 0.0, []
        for number, gap in enumerate(gaps):
            now += gap
            recognised.append(
                {
                    "speaker": 1 + number % 2,
                    "offsetInTicks": now * 1e7,
                    "durationInTicks": 1e7,
                    "nBest": [{"display": "Hello."}],
                }
            )
            now += 1
        return read({"recognizedPhrases": recognised}, ReadOptions(roles=TWO))

    assert spoken([0, 0, 0, 1]).roles == "mapped"
    assert spoken([0, 0, 0, 0, *([1] * 20)]).roles == "mapped"
    assert spoken([0, 0, 0, 0, 1]).roles == "unknown"


# --- silence ------------------------------------------------------------------------------


@situation("the first silence")
def first_silence(call: Hearing, code: Code) -> Iterator[Moment]:
    first = call.silences(code.silence)[0]
    yield Moment(call, 0, start=first.start, doubt=first.doubt)


def never_silent(moment: Moment) -> None:
    """No silence."""
    assert not moment.start, "silent"


def test_a_borderline_silence_of_a_real_call_is_neither_passed_nor_failed() -> None:
    heard = Hearing(read(Path("contact_lens/post_call.json")))
    assert [round(gap.length, 2) for gap in heard.silences(3.0)] == [4.80, 11.10, 8.07, 20.48, 19.81, 3.22]
    verdict = judge(make_rule(never_silent, when=first_silence), heard, CODE)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.UNDECIDED,
        "the silence at 0:03.1 is 4.80 s against 5 s, within the ±0.3 s of these times",
    )


def vendor_only(*silences: tuple[float, float]) -> Hearing:
    turns = (turn("agent", "Please hold", 1.0, None), turn("customer", "Yes", 20.0, None))
    return Hearing(call(*turns, timing="start", silences=tuple(silence(*one) for one in silences)))


def test_where_turns_have_no_ends_the_vendors_silences_count() -> None:
    heard = vendor_only((12.0, 19.0), (3.0, 9.0))
    assert [(gap.start, gap.end, gap.before is heard.utterances[0]) for gap in heard.silences(6.5)] == [
        (12.0, 19.0, True)
    ]
    assert [gap.start for gap in heard.silences(6.0)] == [3.0, 12.0]


def test_a_vendors_silences_say_nothing_about_shorter_ones() -> None:
    with pytest.raises(Undecided, match="only the start of turns, and its list of silences knows none under 6 s"):
        vendor_only((3.0, 9.0)).silences(5.0)
