"""Likeness of meaning, by a static embedding model that lies on disk; only for books that name one (an extra)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_callqa.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from model2vec import StaticModel
    from numpy.typing import NDArray


class Senses:
    """Tells which phrases a sentence is like: the cosine of its vector and that of a phrase's wordings, of 100.

    ``folder`` holds a model2vec model; nothing is downloaded. ``examples`` gives for each phrase its threshold, its
    wordings and its guards as plain sentences. The same model and sentence give the same answer on every machine.
    Raises :class:`BadInput` without the extra, or if the folder holds no such model.
    """

    def __init__(self, folder: str, examples: Mapping[str, tuple[float, Sequence[str], Sequence[str]]]) -> None:
        self._model = _model(folder)
        self._examples = {
            name: (threshold, self._vectors(wordings), self._vectors(guards))
            for name, (threshold, wordings, guards) in examples.items()
        }
        self.alike = lru_cache(maxsize=20_000)(self._alike)

    def _alike(self, sentence: str) -> tuple[tuple[str, float], ...]:
        """The phrases that a sentence means, each with its score; not those whose guards it is as much like."""
        vector = self._vectors([sentence])
        found = []
        for name, (threshold, wordings, guards) in self._examples.items():
            score = 100 * float((wordings @ vector.T).max())
            if score >= threshold and not (len(guards) and 100 * float((guards @ vector.T).max()) >= score):
                found.append((name, min(score, 100.0)))
        return tuple(found)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of length 1 for each text; of zeros where the model knows no word of it."""
        vectors: NDArray[np.float32] = self._model.encode(list(texts), normalize=True)
        return vectors


@lru_cache(maxsize=4)
def _model(folder: str) -> StaticModel:
    if not os.path.isdir(folder):
        raise BadInput(f"The book's embedding model {folder} is no folder: put it there, or remove `semantic`.")
    try:
        from model2vec import StaticModel
    except ImportError:
        raise BadInput(
            "Matching by meaning needs model2vec: pip install 'pytest-callqa[semantic]', or remove `semantic`."
        ) from None
    try:
        return StaticModel.from_pretrained(folder, force_download=False)
    except Exception as error:  # noqa: BLE001 - whatever the library says of a folder that is no model
        raise BadInput(f"The folder {folder} holds no model2vec model ({type(error).__name__}).") from None
