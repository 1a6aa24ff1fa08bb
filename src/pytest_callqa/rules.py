"""Rules, situations and the rule book: what is declared before any call is read."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias, TypeVar

from pytest_callqa.call import EVENT_KINDS, EventKind, Role
from pytest_callqa.errors import BadBook, did_you_mean
from pytest_callqa.hearing import Hearing, Moment
from pytest_callqa.phrases import Phrase, PhraseBook

Severity: TypeAlias = Literal["critical", "major", "minor"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")

Setting: TypeAlias = "str | int | float | bool | list[Setting] | dict[str, Setting]"
"""A value of code.toml."""

Test = TypeVar("Test", bound=Callable[..., object])

MARK = "__callqa_rule__"
PORTABLE = frozenset({"call", "moment", "code"})


class Code:
    """The settings of ``code.toml``; ``code.silence`` is the value, a missing one is named with its nearest."""

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self._settings = dict(settings)
        taken = dir(self)
        self.__dict__.update((name, value) for name, value in settings.items() if name not in taken)

    @classmethod
    def load(cls, file: Path) -> Code:
        """Read a TOML file. Raises :class:`BadBook` when it is missing or not TOML."""
        try:
            return cls(tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError:
            raise BadBook([f"{file}: not found; a rule book has its settings there (see `callqa init`)"]) from None
        except ValueError as error:
            raise BadBook([f"{file}: not valid TOML: {error}"]) from None

    def __getattr__(self, name: str) -> Setting:
        settings: dict[str, Setting] = self.__dict__.get("_settings", {})
        raise AttributeError(f"code.toml has no setting {name!r}.{did_you_mean(name, settings)}")

    def get(self, name: str, default: Setting) -> Setting:
        """A setting, or ``default`` when the file has none of that name."""
        return self._settings.get(name, default)

    def table(self, name: str) -> dict[str, Setting]:
        """A table of settings; empty when the file has none of that name."""
        value = self._settings.get(name, {})
        return value if isinstance(value, dict) else {}

    def texts(self, name: str) -> tuple[str, ...]:
        """A setting that is a text or a list of texts, as a tuple."""
        value = self._settings.get(name, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


@dataclass(frozen=True, eq=False)
class Situation:
    """A condition a customer or the line brings about; ``find`` gives its moments in a call.

    ``signs`` are the phrases and the kinds of events without any of which it does not arise (none: it may always);
    where ``by`` is given, unless this party says one of them.
    """

    name: str
    find: Callable[..., Iterable[Moment]]
    takes_code: bool = False
    signs: frozenset[Phrase | EventKind] = frozenset()
    by: Role | None = None

    def lacks_signs(self, call: Hearing) -> bool:
        """Whether it is known that it does not arise in this call, which has none of its signs."""
        return bool(self.signs) and call.unsaid.get(self.by, call.absent).issuperset(self.signs)

    def moments(self, call: Hearing, code: Code) -> tuple[Moment, ...]:
        """Its moments in this call, found once however many rules share it; its exception is kept too.

        It is not looked for in a call without its signs.
        """
        known = call.moments.get(self)
        if known is not None:
            return known
        if self.lacks_signs(call):
            return ()
        if call.troubles and self in call.troubles:
            raise call.troubles[self]
        half_said, call.half_said = call.half_said, False  # also when a rule's test is the first to ask for it
        try:
            found = call.moments[self] = tuple(self.find(call, code) if self.takes_code else self.find(call))
        except Exception as error:
            call.troubles[self] = error
            raise
        finally:
            call.half_said = half_said
        return found


def situation(
    name: str, *, signs: Iterable[Phrase | EventKind] | Situation = (), by: Role | None = None
) -> Callable[[Callable[..., Iterable[Moment]]], Situation]:
    """Declare a situation: the decorated function takes ``call`` (and ``code``) and yields moments.

    Where it cannot arise unless a phrase is said, or an event is noted, name these as its ``signs``: most calls have
    none of them, and are judged sooner; ``by`` is the party that must say it (None: whoever). One that arises only with
    another situation has its signs: name that. Raises :class:`BadBook` for a sign that is neither.
    """
    if isinstance(signs, Situation):
        by, signs = signs.by, signs.signs
    needed = frozenset(signs)
    strange = [sign for sign in needed if not isinstance(sign, Phrase) and sign not in EVENT_KINDS]
    if strange:
        raise BadBook(
            [
                f"situation {name!r}: {sign!r} is no sign; expected a phrase, or an event:"
                f" {', '.join(EVENT_KINDS)}.{did_you_mean(str(sign), EVENT_KINDS)}"
                for sign in strange
            ]
        )

    def declare(find: Callable[..., Iterable[Moment]]) -> Situation:
        return Situation(name, find, takes_code="code" in inspect.signature(find).parameters, signs=needed, by=by)

    return declare


@situation("every call")
def every_call(call: Hearing) -> Iterator[Moment]:
    """One moment, at the very start."""
    yield Moment(call, -1, start=0.0)


@dataclass(frozen=True)
class Rule:
    """A clause made testable: ``test`` is the author's function, its docstring the clause's wording."""

    clause: str
    title: str
    severity: Severity
    when: Situation
    test: Callable[..., object] = field(repr=False)
    manual: bool = False
    arguments: frozenset[str] = frozenset()

    @property
    def portable(self) -> bool:
        """Whether it takes nothing but call, moment and code, and so runs outside pytest too."""
        return self.arguments <= PORTABLE

    @functools.cached_property
    def books(self) -> tuple[PhraseBook, ...]:
        """The phrase books known by name where the rule and its situation are written."""
        places = (inspect.unwrap(self.test), self.when.find)
        known = [value for place in places for value in getattr(place, "__globals__", {}).values()]
        return tuple(dict.fromkeys(value for value in known if isinstance(value, PhraseBook)))

    @property
    def text(self) -> str:
        """The clause's wording."""
        return inspect.getdoc(self.test) or ""

    @property
    def place(self) -> tuple[str, int]:
        """File and line of the test function."""
        code = inspect.unwrap(self.test).__code__
        return code.co_filename, code.co_firstlineno


def rule(
    clause: str,
    title: str,
    *,
    severity: Severity = "major",
    when: Situation = every_call,
    manual: bool = False,
) -> Callable[[Test], Test]:
    """Make a test function the rule of a clause.

    Raises :class:`BadBook` at once for a severity that does not exist or a ``when`` that is no situation.
    """
    problems = []
    if severity not in SEVERITIES:
        hint = did_you_mean(str(severity), SEVERITIES)
        problems.append(f"rule {clause}: severity {severity!r} is none of {', '.join(SEVERITIES)}.{hint}")
    if not isinstance(when, Situation):
        problems.append(f"rule {clause}: when= takes a situation (see @situation), not {when!r}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", clause):
        problems.append(f"rule {clause!r}: a clause is letters, digits, dots and dashes, such as '3.1.2a'")
    if problems:
        raise BadBook(problems)

    def declare(test: Test) -> Test:
        arguments = frozenset(inspect.signature(test).parameters)
        setattr(test, MARK, Rule(clause, title, severity, when, test, manual, arguments))
        return test

    return declare


def rule_of(test: object) -> Rule | None:
    """The rule a test function was declared as, or None."""
    found = getattr(test, MARK, None)
    return found if isinstance(found, Rule) else None


def clause_order(clause: str) -> tuple[tuple[int, str], ...]:
    """The key that sorts clauses as people count them: 2.9 before 2.10."""
    return tuple((int(n or 0), word) for n, word in re.findall(r"(\d*)([^\d.]*)\.?", clause) if n or word)


class RuleBook:
    """Rules, their settings and the hash that names exactly this wording of them.

    ``version`` changes with any rule, phrase, situation or setting file under ``root``.
    """

    def __init__(self, rules: Iterable[Rule], code: Code, *, root: Path, version: str = "") -> None:
        self.rules = tuple(sorted(rules, key=lambda r: clause_order(r.clause)))
        self.code = code
        self.root = root
        self.version = version or book_version(root)
        seen: dict[str, Rule] = {}
        problems = []
        for each in self.rules:
            other = seen.setdefault(each.clause, each)
            if other is not each and other.place != each.place:
                problems.append(f"clause {each.clause} has two rules: {_where(other)} and {_where(each)}; remove one")
        if problems:
            raise BadBook(problems)
        self.rules = tuple(seen.values())

    @classmethod
    def load(cls, root: Path | str) -> RuleBook:
        """Import the test modules under ``root`` (a folder with a code.toml) and collect their rules.

        Raises :class:`BadBook` when there is nothing to load or a module cannot be imported.
        """
        folder = Path(root).resolve()
        code = Code.load(folder / "code.toml")
        rules = [
            found
            for module in _modules(folder)
            for value in vars(module).values()
            if (found := rule_of(value)) is not None and found.test is value
        ]
        if not rules:
            raise BadBook([f"{folder}: no rules; expected test_*.py with functions marked @rule"])
        return cls(rules, code, root=folder)

    def section_of(self, clause: str) -> str:
        """The section a clause belongs to: the longest key of ``[sections]`` that begins it."""
        keys = [key for key in self.code.table("sections") if clause == key or clause.startswith(key + ".")]
        return max(keys, key=len, default=clause.partition(".")[0])

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)


def find_root(start: Path) -> Path | None:
    """The rule book a file belongs to: the nearest folder above it with a code.toml."""
    return next((folder for folder in (start, *start.parents) if (folder / "code.toml").is_file()), None)


@functools.cache
def book_version(root: Path) -> str:
    """Twelve hex digits over every .py, .toml and .yaml of the book; its calls, scripts and customers are left out."""
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        if (
            file.suffix in (".py", ".toml", ".yaml")
            and "calls" not in inside.parts
            and not inside.name.startswith(("script", "customers"))
            and "__pycache__" not in inside.parts
        ):
            digest.update(inside.as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _modules(root: Path) -> Iterator[ModuleType]:
    """Import a book under a name of its own, so that two books never mix."""
    name = f"callqa_book_{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        package = importlib.util.module_from_spec(
            importlib.util.spec_from_loader(name, loader=None, is_package=True)  # type: ignore[arg-type]  # never None here
        )
        package.__path__ = [str(root)]
        sys.modules[name] = package
    for file in sorted(root.rglob("test_*.py")):
        inside = file.relative_to(root).with_suffix("")
        if "calls" in inside.parts:
            continue
        try:
            yield importlib.import_module(f"{name}.{'.'.join(inside.parts)}")
        except BadBook:
            raise
        except Exception as error:
            raise BadBook([f"{file}: cannot be imported: {type(error).__name__}: {error}"]) from error


def _where(found: Rule) -> str:
    file, line = found.place
    return f"{file}:{line}"
