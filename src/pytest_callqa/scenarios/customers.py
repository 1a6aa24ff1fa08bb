"""What customers do, as the rule book tells it in ``customers*.yaml``; explained in docs/customers.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from hypothesis import strategies as st

from pytest_callqa import plain
from pytest_callqa.bots import Abilities, Move
from pytest_callqa.call import EVENT_KINDS, EventKind
from pytest_callqa.errors import BadBook, BadInput, did_you_mean
from pytest_callqa.phrases import PhraseBook

KEYS = ("says", "presses", "when", "waits", "talks over", "line", "hangs up")


class Act(msgspec.Struct, frozen=True):
    """Something customers do, the plainest way first: words by language, seconds of silence before, an event.

    ``when`` names phrases: it is done only in answer to one of them. ``over`` are the shares of the agent's last words
    that it may be said over; ``presses`` are keys of the phone, one of them pressed instead of saying anything.
    """

    name: str
    says: dict[str, tuple[str, ...]] = {}
    when: frozenset[str] = frozenset()
    waits: tuple[float, ...] = ()
    over: tuple[float, ...] = ()
    line: tuple[EventKind, ...] = ()
    hangs_up: bool = False
    presses: tuple[str, ...] = ()

    def possible(self, abilities: Abilities) -> bool:
        """Whether a bot with these abilities can be met with it."""
        text = next((texts[0] for texts in self.says.values()), "")
        most = Move(
            text=text,
            keys="".join(self.presses[:1]),
            wait=max(self.waits, default=0.0),
            events=self.line,
            over=max(self.over, default=0.0),
        )
        return abilities.allow(most)

    def move(self, language: str, wording: int, wait: float, over: float) -> Move:
        """It as a move; a ``wording`` that the language does not have is counted from the first again."""
        if self.presses:
            return Move(keys=self.presses[wording % len(self.presses)], wait=wait, over=over)
        texts = self.says.get(language, ("",))
        text = texts[wording % len(texts)]
        return Move(text=text, wait=wait, over=over, events=self.line, hang_up=self.hangs_up)


class Persona(msgspec.Struct, frozen=True):
    """A kind of customer: who they are called and what they never do."""

    name: str
    never: frozenset[str] = frozenset()


class Customer(msgspec.Struct, frozen=True):
    """Who calls: the language they speak, and what kind of customer they are."""

    language: str
    persona: Persona


class Cast(msgspec.Struct, frozen=True):
    """All that the customers of a rule book do."""

    acts: tuple[Act, ...]
    personas: tuple[Persona, ...]

    @classmethod
    def load(cls, root: Path, phrases: PhraseBook) -> Cast:
        """Read every ``customers*.yaml`` of a rule book. Raises :class:`BadBook` with all faults at once."""
        files = sorted(root.glob("customers*.yaml"))
        if not files:
            raise BadBook([f"{root}: no customers; say in customers.yaml what they do (`callqa init` has one)"])
        reader = _Reader(phrases)
        for file in files:
            reader.read(file)
        return reader.cast()


def customers(cast: Cast, languages: Sequence[str]) -> st.SearchStrategy[Customer]:
    """Who calls: any persona in any of the languages, the first of each the plainest."""
    return st.builds(Customer, language=st.sampled_from(languages), persona=st.sampled_from(cast.personas))


def moves(acts: Sequence[Act], language: str) -> st.SearchStrategy[Move]:
    """Anything that customers do in a language, whether they were asked or not."""
    ways = (
        st.builds(
            act.move,
            language=st.just(language),
            wording=st.sampled_from(range(len(act.says.get(language, ())) or 1)),
            wait=st.sampled_from(act.waits or (0.0,)),
            over=st.sampled_from(act.over or (0.0,)),
        )
        for act in acts
    )
    return st.one_of(list(ways))


def utterances(cast: Cast, language: str) -> st.SearchStrategy[str]:
    """Anything that customers say in a language."""
    return st.sampled_from([text for act in cast.acts for text in act.says.get(language, ())])


class _Reader(plain.Checked):
    """Reads files of customers and gathers all their faults."""

    def __init__(self, phrases: PhraseBook) -> None:
        super().__init__()
        self.phrases = phrases
        self.bodies: dict[str, tuple[Path, Mapping[str, plain.Plain]]] = {}
        self.personas: dict[str, Persona] = {}

    def read(self, file: Path) -> None:
        """Gather what one file says."""
        self.file = file
        try:
            table = plain.load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{file}: cannot be read: {error}")
            return
        except BadInput as error:
            self.problems.append(str(error.at(str(file))))
            return
        if not isinstance(table, dict):
            self.problems.append(f"{file}: expected `moves:`, a table of what customers do")
            return
        self.known(table, ("moves", "personas"), "part of customers")
        for name, body in self.table(table.get("moves"), "moves").items():
            if isinstance(body, dict):
                self.bodies[str(name)] = file, body
            else:
                self.fault(name, f"{str(name)!r} needs a table such as `says: {{en: [Hello.]}}`")
        for name, body in self.table(table.get("personas"), "personas").items():
            persona = self.table(body, "a persona")
            self.known(persona, ("never",), "part of a persona")
            never = self.texts(persona.get("never", []))
            self.personas[str(name)] = Persona(str(name), frozenset(map(str, never)))

    def cast(self) -> Cast:
        """All that was read, or all that is wrong with it."""
        acts = []
        for name, (file, body) in self.bodies.items():
            self.file = file
            acts.append(self._act(name, body))
        for persona in self.personas.values():
            for name in sorted(persona.never - self.bodies.keys()):
                self.problems.append(
                    f"persona {persona.name!r}: no move is called {name!r}.{did_you_mean(name, self.bodies)}"
                )
        if self.problems:
            raise BadBook(self.problems)
        return Cast(tuple(acts), tuple(self.personas.values()) or (Persona("anyone"),))

    def _act(self, name: str, body: Mapping[str, plain.Plain]) -> Act:
        self.known(body, KEYS, "part of a move")
        when = [str(phrase) for phrase in self.texts(body.get("when", []))]
        for phrase in when:
            if phrase not in self.phrases.names:
                hint = did_you_mean(phrase, self.phrases.names)
                self.fault(body["when"], f"no phrase is called {phrase!r}.{hint}")
        line = str(body.get("line", ""))
        if line and line not in EVENT_KINDS:
            self.fault(body["line"], f"nothing called {line!r} happens on a line.{did_you_mean(line, EVENT_KINDS)}")
        return Act(
            name=name,
            says=self._says(name, body.get("says", {})),
            when=frozenset(when),
            waits=self._numbers(body.get("waits", [])),
            over=self._numbers(body.get("talks over", [])),
            line=(line,) if line else (),  # type: ignore[arg-type]  # checked
            presses=tuple(map(str, self.texts(body.get("presses", [])))),
            hangs_up=str(body.get("hangs up", "no")) in ("yes", "true"),
        )

    def _says(self, name: str, body: plain.Plain) -> dict[str, tuple[str, ...]]:
        """Texts by language; the name of another move stands for its texts."""
        if isinstance(body, str) and body:
            other = self.bodies.get(body)
            if other is None or body == name:
                self.fault(body, f"no other move is called {str(body)!r}.{did_you_mean(body, self.bodies)}")
                return {}
            if isinstance(other[1].get("says"), str):
                self.fault(body, f"{str(body)!r} has no words of its own; name the move whose words it says")
                return {}
            return self._says(name, other[1].get("says", {}))
        return {
            str(language): tuple(str(text) for text in self.texts(texts))
            for language, texts in self.table(body, "says").items()
        }

    def _numbers(self, body: plain.Plain) -> tuple[float, ...]:
        numbers = []
        for text in self.texts(body):
            try:
                numbers.append(float(text))
            except ValueError:
                self.fault(text, f"{str(text)!r} is no number")
        return tuple(numbers)
