"""Which run that does not judge recorded calls the options ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_callqa.plugin.recorder import Recorder
from pytest_callqa.plugin.settings import Settings, settings
from pytest_callqa.plugin.together import Together


def register(config: pytest.Config) -> None:
    """Take part in such a run. Raises :class:`pytest.UsageError` for a bot that cannot be had."""
    chosen = settings(config)
    config.pluginmanager.register(_run(config, chosen), "callqa-together")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config, chosen), "callqa-recorder")


def _run(config: pytest.Config, chosen: Settings) -> Together[object]:
    of_book = bool(chosen.against) and Path(chosen.against).is_dir()
    plays = bool(chosen.bot or chosen.script)
    if not plays and not chosen.against:
        from pytest_callqa.plugin.changed import Teeth, Variants

        if chosen.variants:
            return Variants(config, chosen)  # type: ignore[return-value]
        if chosen.teeth:
            return Teeth(config, chosen)  # type: ignore[return-value]
        from pytest_callqa.plugin.fixture import GivenConversations

        return GivenConversations(config, chosen)  # type: ignore[return-value]
    if not plays and not of_book:
        raise pytest.UsageError("--callqa-against: name the new one too, with --callqa-script FILE or --bot SPEC")
    from pytest_callqa.plugin.comparison import AgainstBook, AgainstBot
    from pytest_callqa.plugin.conversations import Conversations, source_of

    flag, spec = ("--bot", chosen.bot) if chosen.bot else ("--callqa-script", f"script:{chosen.script}")
    source = source_of(flag, spec, chosen) if plays else None
    if of_book:
        return AgainstBook(config, chosen, Path(chosen.against), source)  # type: ignore[return-value]
    assert source is not None
    if not chosen.against:
        return Conversations(config, chosen, source)  # type: ignore[return-value]
    return AgainstBot(config, chosen, source, source_of("--callqa-against", chosen.against, chosen))  # type: ignore[return-value]
