"""A Whisper model of noise, small enough to be made on the spot, in the form that faster-whisper loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

SIZE, MELS, LOOK, HEADS = 16, 80, 1500, 2
SHAPES = {
    "conv1/weight": (SIZE, MELS, 3),
    "conv2/weight": (SIZE, SIZE, 3),
    "encoder/position_encodings/encodings": (LOOK, SIZE),
    "decoder/position_encodings/encodings": (448, SIZE),
    "self_attention/linear_0/weight": (3 * SIZE, SIZE),
    "/attention/linear_1/weight": (2 * SIZE, SIZE),
    "ffn/linear_0/weight": (4 * SIZE, SIZE),
    "ffn/linear_1/weight": (SIZE, 4 * SIZE),
    "gamma": (SIZE,),
    "beta": (SIZE,),
}
"""By the end of a weight's name; the others are square."""


def write_model(folder: Path) -> str:
    """Write it into a new folder; its path."""
    import ctranslate2
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    text = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<|endoftext|>"]
    languages = [f"<|{code}|>" for code in _LANGUAGE_CODES]
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    times = [f"<|{step * 0.02:.2f}|>" for step in range(LOOK + 1)]
    special = ["<|startoftranscript|>", *languages, *(f"<|{task}|>" for task in tasks), *times]
    tokens = [*text, *special]

    spec = ctranslate2.specs.WhisperSpec(1, HEADS, 1, HEADS)
    rng = np.random.default_rng(7)
    for part, name, weight in list(weights(spec, "")):
        words = (len(tokens), SIZE) if name.endswith(("embeddings/weight", "projection/weight")) else None
        shape = words or next((size for end, size in SHAPES.items() if name.endswith(end)), (SIZE, SIZE))
        setattr(part, weight, (0.3 * rng.standard_normal(shape)).astype(np.float32))
        if hasattr(part, "bias"):
            part.bias = np.zeros(shape[0], np.float32)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [tokens.index(language) for language in languages]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))

    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(text)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<|endoftext|>", *special)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)


def weights(part: object, name: str) -> Iterator[tuple[object, str, str]]:
    """Every weight that a specification lacks, and the places of its words: the part that holds it, and its names."""
    for key, value in vars(part).items():
        if key.startswith("_"):
            continue
        if isinstance(value, list):
            for number, one in enumerate(value):
                yield from weights(one, f"{name}{key}_{number}/")
        elif hasattr(value, "__dict__"):
            yield from weights(value, f"{name}{key}/")
        elif value is None or key == "encodings":
            yield part, name + key, key
