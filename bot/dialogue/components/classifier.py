"""Which intent a message has: two views of the text vote, and the patient's phase weighs the result.

The views are the sentence vector (two small networks, averaged) and character n-grams (logistic regression:
names, misspellings). What a topic's training examples say of the phase acts as a prior, because "how many
days without wine" is one question before a treatment and another after it.
"""
# ruff: noqa: ARG003  (Rasa creates every component with the same four arguments)

import json
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.dialogue.topics import PHASE_PAIRS

logger = logging.getLogger(__name__)

PHASES = ("before", "after")
#: Imagined examples in each phase, so that a phase never rules a topic out.
PRIOR_SMOOTHING = 2.0
TINY = 1e-6


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(IntentClassifier, GraphComponent):  # type: ignore[misc]
    """Ranks the intents of a message. Trained parts are kept as plain arrays."""

    @classmethod
    def required_components(cls) -> list[Any]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> list[str]:
        return ["sklearn"]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`never`: intents that are set by other means and never read from words."""
        return {
            "never": [],
            "ranking_length": 10,
            "networks": 2,
            "hidden": 256,
            "alpha": 0.1,
            "epochs": 30,
            "ngrams_c": 10.0,
            "ngrams_weight": 0.2,
            "phase_weight": 0.5,
        }

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """`labels` are the intents, in the order of every array's columns."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._labels: list[str] = []
        self._arrays: dict[str, NDArray[Any]] = {}
        self._vectorizer: TfidfVectorizer | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TopicClassifier":
        return cls({**cls.get_default_config(), **config}, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit both views and the prior on the examples, and keep them."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import MLPClassifier

        examples = [
            message
            for message in training_data.intent_examples
            if message.get(TEXT) and message.get(INTENT) not in self._config["never"]
        ]
        if not examples:
            return self._resource
        intents = [message.get(INTENT) for message in examples]
        vectors = _vectors(examples)
        for number in range(self._config["networks"]):
            network = MLPClassifier(
                (self._config["hidden"],),
                alpha=self._config["alpha"],
                max_iter=self._config["epochs"],
                random_state=number,
                n_iter_no_change=self._config["epochs"],
            )
            network.fit(vectors, intents)
            self._labels = [str(label) for label in network.classes_]
            for layer in (0, 1):
                self._arrays[f"weights_{number}_{layer}"] = network.coefs_[layer].astype(np.float32)
                self._arrays[f"bias_{number}_{layer}"] = network.intercepts_[layer].astype(np.float32)
        self._vectorizer = TfidfVectorizer(**_ngram_options(), min_df=2)
        grams = self._vectorizer.fit_transform([message.get(TEXT) for message in examples])
        regression = LogisticRegression(C=self._config["ngrams_c"], solver="liblinear")
        regression.fit(grams, intents)
        self._arrays["ngram_weights"] = regression.coef_.T.astype(np.float32)
        self._arrays["ngram_bias"] = regression.intercept_.astype(np.float32)
        self._arrays["idf"] = self._vectorizer.idf_.astype(np.float32)
        self._arrays["phase"] = _phase_prior(examples, self._labels)
        self._persist()
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the likeliest intent and the ranking of `messages`."""
        for message in messages:
            if not self._labels or not (message.get(TEXT) or "").strip():
                message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
                continue
            likelihoods = self._likelihoods(message)
            order = np.argsort(-likelihoods)[: self._config["ranking_length"]]
            ranking = [{"name": self._labels[i], "confidence": float(likelihoods[i])} for i in order]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _likelihoods(self, message: Message) -> NDArray[Any]:
        vector, arrays = _vectors([message])[0], self._arrays
        views = []
        for number in range(self._config["networks"]):
            hidden = np.maximum(vector @ arrays[f"weights_{number}_0"] + arrays[f"bias_{number}_0"], 0)
            views.append(_softmax(hidden @ arrays[f"weights_{number}_1"] + arrays[f"bias_{number}_1"]))
        by_meaning = np.mean(views, axis=0)
        assert self._vectorizer is not None
        grams = self._vectorizer.transform([message.get(TEXT)])
        scores = (grams @ arrays["ngram_weights"])[0] + arrays["ngram_bias"]
        by_letters = 1 / (1 + np.exp(-scores))
        by_letters /= by_letters.sum()
        weight = self._config["ngrams_weight"]
        mixed = (1 - weight) * np.log(by_meaning + TINY) + weight * np.log(by_letters + TINY)
        phase = (message.get(METADATA) or {}).get("phase")
        if phase not in PHASES:
            return _softmax(mixed)
        mixed = mixed + self._config["phase_weight"] * np.log(arrays["phase"][PHASES.index(phase)])
        return self._with_pairs_resolved(_softmax(mixed), phase)

    def _with_pairs_resolved(self, likelihoods: NDArray[Any], phase: str) -> NDArray[Any]:
        """Topics that only the phase tells apart count as one: the one of the patient's phase."""
        for pair in PHASE_PAIRS:
            if all(topic in self._labels for topic in pair):
                columns = [self._labels.index(topic) for topic in pair]
                meant = columns[PHASES.index(phase)]
                total = likelihoods[columns].sum()
                likelihoods[columns] = 0.0
                likelihoods[meant] = total
        return likelihoods

    def _persist(self) -> None:
        assert self._vectorizer is not None
        vocabulary = sorted(self._vectorizer.vocabulary_, key=self._vectorizer.vocabulary_.__getitem__)
        with self._model_storage.write_to(self._resource) as folder:
            np.savez_compressed(folder / "arrays.npz", **self._arrays)
            words = {"labels": self._labels, "vocabulary": vocabulary}
            (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TopicClassifier":
        component = cls.create(config, model_storage, resource, execution_context)
        try:
            with model_storage.read_from(resource) as folder:
                with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
                    component._arrays = {name: arrays[name] for name in arrays.files}
                words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        except ValueError:
            logger.warning("The topic classifier was trained on no data.")
            return component
        component._labels = words["labels"]
        component._vectorizer = TfidfVectorizer(**_ngram_options(), vocabulary=words["vocabulary"])
        component._vectorizer.idf_ = component._arrays["idf"].astype(np.float64)
        return component


def _ngram_options() -> dict[str, Any]:
    return {
        "analyzer": "char_wb",
        "ngram_range": (2, 4),
        "sublinear_tf": True,
        "strip_accents": "unicode",
    }


def _vectors(messages: list[Message]) -> NDArray[Any]:
    return np.vstack([message.get_dense_features(TEXT)[1].features[0] for message in messages])


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    powers: NDArray[Any] = np.exp(scores - scores.max())
    shares: NDArray[Any] = powers / powers.sum()
    return shares


def _phase_prior(examples: list[Message], labels: list[str]) -> NDArray[Any]:
    """How much each intent belongs to each phase, one row for each of `PHASES`; 0.5 is neutral."""
    counts = np.full((len(PHASES), len(labels)), PRIOR_SMOOTHING)
    column = {label: index for index, label in enumerate(labels)}
    for message in examples:
        of_intent = (message.get(METADATA) or {}).get("intent") or {}
        phase = of_intent.get("phase")
        if phase in PHASES:
            counts[PHASES.index(phase), column[message.get(INTENT)]] += 1
        else:
            counts[:, column[message.get(INTENT)]] += 0.5
    prior: NDArray[Any] = (counts / counts.sum(axis=0)).astype(np.float32)
    return prior
