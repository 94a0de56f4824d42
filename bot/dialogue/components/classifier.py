"""Which intent a message has: every training example votes for its own, weighted by how alike the two are.

Alike in meaning (the sentence vector), in letters (character n-grams: names, misspellings) and in the phase
of the treatment, because "how many days without wine" is one question before it and another after it. The
weights of the votes are a ridge regression over that likeness, solved once. The same solution tells how every
example would have been read without itself, which sets how sure a score makes us.
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
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.dialogue.reading import flat
from bot.dialogue.topics import PHASE_PAIRS

logger = logging.getLogger(__name__)

PHASES = ("before", "after")
#: How many times sharper than the raw scores the confidences may be.
SHARPNESSES = np.geomspace(3.0, 40.0, 30)


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
        """How likeness is measured.

        `never`: intents that are set by other means and never read from words. `closeness`: how fast likeness
        in meaning falls with distance. `letters`: the weight of likeness in letters beside it. `phase`: how
        much more an example of the patient's phase counts, and one of the other phase less, 0 to 1. `ridge`:
        how little a single example may bend the votes.
        """
        return {
            "never": [],
            "ranking_length": 10,
            "closeness": 2.0,
            "letters": 0.1,
            "phase": 0.35,
            "ridge": 0.2,
        }

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """`labels` are the intents, in the order of the columns of the votes."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._labels: list[str] = []
        self._arrays: dict[str, NDArray[Any]] = {}
        self._letters: sparse.csr_matrix | None = None
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
        """Solve for the votes of the examples, and keep both."""
        examples = [
            message
            for message in training_data.intent_examples
            if message.get(TEXT) and message.get(INTENT) not in self._config["never"]
        ]
        if not examples:
            return self._resource
        texts = [flat(message.get(TEXT)) for message in examples]
        intents = [message.get(INTENT) for message in examples]
        self._labels = sorted(set(intents))
        self._vectorizer = TfidfVectorizer(**_ngram_options(), min_df=2)
        self._letters = self._vectorizer.fit_transform(texts)
        self._arrays = {
            "idf": self._vectorizer.idf_.astype(np.float32),
            "vectors": _vectors(examples),
            "phases": np.array([_phase_of_example(message) for message in examples], dtype=np.float32),
        }
        targets = np.eye(len(self._labels), dtype=np.float32)[[self._labels.index(name) for name in intents]]
        # One solution for patients whose phase is known, one blind to it: a missing phase must tell nothing.
        blind = self._likeness(self._arrays["vectors"], self._letters)
        phased = blind * self._phase_factors(self._arrays["phases"])
        for name, likeness in (("known", phased), ("unknown", blind)):
            votes, without_itself = _solve(likeness, targets, self._config["ridge"])
            self._arrays[f"votes_{name}"] = votes
            sharpness = _sharpness(without_itself, targets)
            self._arrays[f"sharpness_{name}"] = np.array(sharpness, dtype=np.float32)
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
        assert self._vectorizer is not None
        letters = self._vectorizer.transform([flat(message.get(TEXT))])
        likeness = self._likeness(_vectors([message]), letters)
        phase = (message.get(METADATA) or {}).get("phase")
        if phase in PHASES:
            likeness = likeness * self._phase_factors(np.array([_sign(phase)], dtype=np.float32))
        name = "known" if phase in PHASES else "unknown"
        scores = likeness @ self._arrays[f"votes_{name}"]
        likelihoods = _softmax(scores * self._arrays[f"sharpness_{name}"])[0]
        return self._with_pairs_resolved(likelihoods, phase) if phase in PHASES else likelihoods

    def _likeness(self, vectors: NDArray[Any], letters: sparse.csr_matrix) -> NDArray[Any]:
        """How alike messages (rows) and training examples (columns) are, whatever the phase."""
        assert self._letters is not None
        alike: NDArray[Any] = np.exp(self._config["closeness"] * (vectors @ self._arrays["vectors"].T - 1))
        alike += self._config["letters"] * (letters @ self._letters.T).toarray()
        return alike

    def _phase_factors(self, phases: NDArray[Any]) -> NDArray[Any]:
        factors: NDArray[Any] = 1 + self._config["phase"] * np.outer(phases, self._arrays["phases"])
        return factors

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
            halved = {**self._arrays, "vectors": self._arrays["vectors"].astype(np.float16)}
            np.savez(folder / "arrays.npz", **halved)
            sparse.save_npz(folder / "letters.npz", self._letters)
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
                    component._arrays = {name: arrays[name].astype(np.float32) for name in arrays.files}
                component._letters = sparse.load_npz(folder / "letters.npz")
                words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        except ValueError:
            logger.warning("The topic classifier was trained on no data.")
            return component
        component._labels = words["labels"]
        component._vectorizer = TfidfVectorizer(**_ngram_options(), vocabulary=words["vocabulary"])
        component._vectorizer.idf_ = component._arrays["idf"].astype(np.float64)
        return component


def _ngram_options() -> dict[str, Any]:
    return {"analyzer": "char_wb", "ngram_range": (2, 4), "sublinear_tf": True, "dtype": np.float32}


def _vectors(messages: list[Message]) -> NDArray[Any]:
    """One row of length 1 for each message."""
    rows = np.vstack([message.get_dense_features(TEXT)[1].features[0] for message in messages])
    lengths: NDArray[Any] = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[Any] = (rows / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit


def _sign(phase: str | None) -> float:
    """-1 before the treatment, 1 after it, 0 when nobody knows."""
    return {"before": -1.0, "after": 1.0}.get(phase or "", 0.0)


def _phase_of_example(message: Message) -> float:
    """What the training data says of the phase in which this was asked (`metadata` of the intent)."""
    of_intent = (message.get(METADATA) or {}).get("intent") or {}
    return _sign(of_intent.get("phase"))


def _solve(likeness: NDArray[Any], targets: NDArray[Any], ridge: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The votes of the examples, and the scores each example would get had it not been among them."""
    inverse = np.linalg.inv(likeness + ridge * np.eye(len(targets), dtype=np.float32))
    votes = inverse @ targets
    return votes, targets - votes / np.diag(inverse)[:, np.newaxis]


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    powers: NDArray[Any] = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[Any] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _sharpness(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """The factor on `scores` that makes the confidences most nearly true (least log loss)."""

    def loss(factor: float) -> float:
        given = (_softmax(scores * factor) * targets).sum(axis=1)
        return float(-np.log(np.maximum(given, 1e-9)).mean())

    return float(min(SHARPNESSES, key=loss))
