"""The sound of a call: who speaks when, how loud, over how much noise. Needs the extra ``pytest-callqa[audio]``.

Values in, values out: a recording becomes a :class:`~pytest_callqa.audio.sound.Sound`; ``readers`` makes calls of it.
"""
