"""Which run that does not judge recorded calls the options ask for."""

from __future__ import annotations

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
    if chosen.script is None and chosen.against is not None:
        raise pytest.UsageError("--callqa-against: name the new script too, with --callqa-script FILE")
    if chosen.script is None and not chosen.bot:
        from pytest_callqa.plugin.changed import Teeth, Variants

        return Variants(config, chosen) if chosen.variants else Teeth(config, chosen)  # type: ignore[return-value]
    from pytest_callqa.plugin.conversations import Comparison, Conversations, bot_of, source_of

    if chosen.bot:
        return Conversations(config, chosen, bot_of(chosen))  # type: ignore[return-value]
    assert chosen.script is not None
    source = source_of("--callqa-script", chosen.script, chosen.language)
    if chosen.against is None:
        return Conversations(config, chosen, source)  # type: ignore[return-value]
    old = source_of("--callqa-against", chosen.against, chosen.language)
    return Comparison(config, chosen, source, old)  # type: ignore[return-value]
