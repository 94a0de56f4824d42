"""Which intent a message has: every training example votes for its own, weighted by how alike the two are.

Alike in meaning (the sentence vector), in letters (character n-grams: names, misspellings) and in the phase
of the treatment, because "how many days without wine" is one question before it and another after it. The
weights of the votes are a ridge regression over that likeness, solved once. The same solution tells how an
example would have been read without itself, which sets how sure a score makes us.
"""
# ruff: noqa: ARG003  (Rasa creates every component with the same four arguments)

import json
import logging
from collections.abc import Iterator
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
from scipy.linalg import lapack
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.dialogue.clauses import questions_in
from bot.dialogue.components.encoder import encode
from bot.dialogue.topics import PHASE_PAIRS, may_be_offered, phase_said
from bot.protocols.names import products_named
from bot.triage.normalise import flat

logger = logging.getLogger(__name__)

PHASES = ("before", "after")
#: How many times sharper than the raw scores the confidences may be.
SHARPNESSES = np.geomspace(3.0, 40.0, 30)
#: About so many examples are read without themselves, to learn how sure a score makes us.
LEFT_OUT = 1500
#: Each of several questions in one message must be read at least this surely to be answered beside others.
SURE_OF_BOTH = 0.85
#: Rows of the table of likeness that are filled together.
TOGETHER = 1000
#: What gibberish comes closest to.
BEYOND_US = "out_of_scope"
#: Less likely than this, the topic of a message of which no word is known is offered to nobody.
A_MERE_GUESS = 0.7
#: What is compared with the hybrid, by product: "better than Radiesse or Sculptra?" asks for two comparisons.
COMPARISONS = {
    "ha_filler": "product.compare_ha",
    "radiesse": "product.compare_radiesse",
    "sculptra": "product.compare_sculptra",
}
#: Where the topics of a message that asks several things are kept, and whether one of them is not known.
TOPICS, UNKNOWN_TOO = "topics", "unknown_too"
#: More than this many answers at once are not read.
ANSWERED_AT_ONCE = 3


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
            "letters": 0.3,
            "phase": 0.5,
            "ridge": 0.2,
        }

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        """`labels` are the intents, in the order of the columns of the votes."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._labels: list[str] = []
        self._arrays: dict[str, NDArray[Any]] = {}
        #: the letters of the examples, n-grams (rows) by examples (columns): turned over for each message
        #: anew they took longer than all the rest of reading it
        self._letters: sparse.csr_matrix | None = None
        self._words: frozenset[str] = frozenset()
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
        self._words = frozenset(word for text in texts for word in text.split() if len(word) > 1)
        self._vectorizer = TfidfVectorizer(**_ngram_options(), min_df=2)
        letters = self._vectorizer.fit_transform(texts)
        self._letters = letters.T.tocsr()
        self._arrays = {
            "idf": self._vectorizer.idf_.astype(np.float32),
            "vectors": _vectors(examples),
            "phases": np.array([_phase_of_example(message) for message in examples], dtype=np.float32),
        }
        targets = np.eye(len(self._labels), dtype=np.float32)[[self._labels.index(name) for name in intents]]
        likeness = self._likeness(self._arrays["vectors"], letters, self._arrays["phases"], to_itself=True)
        votes, sample, without_itself = _solve(likeness, targets, self._config["ridge"])
        self._arrays["votes"] = votes
        self._arrays["sharpness"] = np.array(_sharpness(without_itself, targets[sample]), dtype=np.float32)
        self._persist(letters)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the likeliest intent and the ranking of `messages`."""
        for message in messages:
            text = message.get(TEXT) or ""
            if not self._labels or not text.strip():
                message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
                continue
            likelihoods = self._likelihoods(message)
            order = np.argsort(-likelihoods)[: self._config["ranking_length"]]
            ranking = [{"name": self._labels[i], "confidence": float(likelihoods[i])} for i in order]
            likeliest = ranking[0]
            guess = likeliest["name"] == BEYOND_US or likeliest["confidence"] < A_MERE_GUESS
            if guess and self._knows_no_word_of(text):
                # Whoever leans on the keys is asked to say it again, not told that we do not do that.
                likeliest, ranking = {**likeliest, "confidence": 0.0}, ranking[:0]
            message.set(INTENT, likeliest, add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
            several, whole = self._several_topics(message, likeliest["name"])
            if several:
                message.set(TOPICS, several, add_to_output=True)
                message.set(UNKNOWN_TOO, not whole, add_to_output=True)
        return messages

    def _knows_no_word_of(self, text: str) -> bool:
        """Whether `text` is letters without a single word that the examples hold."""
        words = flat(text).split()
        return any(word.isalpha() for word in words) and self._words.isdisjoint(words)

    def _several_topics(self, message: Message, likeliest: str) -> tuple[list[str], bool]:
        """Two topics or three, in the order asked, when the message surely asks about them; otherwise none.
        And whether they are all that it asks.

        Unless every question is surely known, the message as a whole must be about one of them.
        """
        compared = [COMPARISONS[name] for name in products_named(message.get(TEXT)) if name in COMPARISONS]
        if len(compared) == 2 and likeliest in compared:
            return compared, True
        asked = questions_in(message.get(TEXT))
        if not asked:
            return [], True
        likelihoods = self._read(asked, _unit(encode(asked)), _phase(message))
        self._join_pairs(likelihoods)
        best = [(self._labels[row.argmax()], float(row.max())) for row in likelihoods]
        sure = [name for name, likelihood in best if likelihood >= SURE_OF_BOTH and may_be_offered(name)]
        known = list(dict.fromkeys(sure))
        several = known[:ANSWERED_AT_ONCE]
        whole = len(sure) == len(asked)
        taken = several if len(several) >= 2 and (whole or likeliest in several) else []
        return taken, whole and several == known

    def _join_pairs(self, likelihoods: NDArray[Any]) -> None:
        """Let the likelier of two topics that only the phase tells apart stand for both."""
        for columns in self._pairs():
            for row in likelihoods:
                both = row[columns]
                row[columns] = np.where(both == both.max(), both.sum(), 0.0)

    def _pairs(self) -> Iterator[list[int]]:
        """The columns of each two topics that only the phase tells apart, as in `PHASES`."""
        for pair in PHASE_PAIRS:
            if all(topic in self._labels for topic in pair):
                yield [self._labels.index(topic) for topic in pair]

    def _likelihoods(self, message: Message) -> NDArray[Any]:
        likelihoods: NDArray[Any] = self._read([message.get(TEXT)], _vectors([message]), _phase(message))[0]
        return likelihoods

    def _read(self, texts: list[str], vectors: NDArray[Any], phase: str | None) -> NDArray[Any]:
        """The likelihoods of every intent (columns) for every text (rows) in a `phase`."""
        assert self._vectorizer is not None
        letters = self._vectorizer.transform([flat(text) for text in texts])
        phases = np.full(len(texts), _sign(phase), dtype=np.float32)
        likeness = self._likeness(vectors, letters, phases)
        likelihoods = _softmax(likeness @ self._arrays["votes"] * self._arrays["sharpness"])
        return self._with_pairs_resolved(likelihoods, phase) if phase in PHASES else likelihoods

    def _likeness(
        self,
        vectors: NDArray[Any],
        letters: sparse.csr_matrix,
        phases: NDArray[Any],
        *,
        to_itself: bool = False,
    ) -> NDArray[Any]:
        """How alike messages (rows) and training examples (columns) are. `to_itself`: the messages are the
        examples, and what stands above the diagonal is left out, as it stands below it.

        To a message of an unknown phase every example counts as it is: a missing phase tells nothing.
        """
        alike = np.empty((len(vectors), len(self._arrays["vectors"])), np.float32)
        for at in range(0, len(alike), TOGETHER):
            rows = slice(at, at + TOGETHER)
            columns = slice(at + TOGETHER if to_itself else None)
            block = vectors[rows] @ self._arrays["vectors"][columns].T
            block -= 1
            block *= self._config["closeness"]
            np.exp(block, out=block)
            other = letters[columns].T if to_itself else self._letters
            block += self._config["letters"] * (letters[rows] @ other).toarray()
            block *= 1 + self._config["phase"] * np.outer(phases[rows], self._arrays["phases"][columns])
            alike[rows, columns] = block
        return alike

    def _with_pairs_resolved(self, likelihoods: NDArray[Any], phase: str | None) -> NDArray[Any]:
        """Topics that only the phase tells apart count as one: the one of the patient's phase."""
        for columns in self._pairs():
            meant = columns[PHASES.index(phase or "")]
            total = likelihoods[:, columns].sum(axis=1)
            likelihoods[:, columns] = 0.0
            likelihoods[:, meant] = total
        return likelihoods

    def _persist(self, letters: sparse.csr_matrix) -> None:
        assert self._vectorizer is not None
        vocabulary = sorted(self._vectorizer.vocabulary_, key=self._vectorizer.vocabulary_.__getitem__)
        with self._model_storage.write_to(self._resource) as folder:
            halved = {**self._arrays, "vectors": self._arrays["vectors"].astype(np.float16)}
            np.savez(folder / "arrays.npz", **halved)
            sparse.save_npz(folder / "letters.npz", letters)
            words = {"labels": self._labels, "vocabulary": vocabulary, "words": sorted(self._words)}
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
                component._letters = sparse.load_npz(folder / "letters.npz").T.tocsr()
                words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        except ValueError:
            logger.warning("The topic classifier was trained on no data.")
            return component
        component._labels = words["labels"]
        component._words = frozenset(words["words"])
        component._vectorizer = TfidfVectorizer(**_ngram_options(), vocabulary=words["vocabulary"])
        component._vectorizer.idf_ = component._arrays["idf"].astype(np.float64)
        return component


def _ngram_options() -> dict[str, Any]:
    return {"analyzer": "char_wb", "ngram_range": (2, 4), "sublinear_tf": True, "dtype": np.float32}


def _vectors(messages: list[Message]) -> NDArray[Any]:
    """One row of length 1 for each message."""
    return _unit(np.vstack([message.get_dense_features(TEXT)[1].features[0] for message in messages]))


def _unit(rows: NDArray[Any]) -> NDArray[Any]:
    lengths: NDArray[Any] = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[Any] = (rows / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit


def _phase(message: Message) -> str | None:
    """The phase of the record, and where that knows none, the one that the words name."""
    phase: str | None = (message.get(METADATA) or {}).get("phase")
    return phase or phase_said(message.get(TEXT))


def _sign(phase: str | None) -> float:
    """-1 before the treatment, 1 after it, 0 when nobody knows."""
    return {"before": -1.0, "after": 1.0}.get(phase or "", 0.0)


def _phase_of_example(message: Message) -> float:
    """What the training data says of the phase in which this was asked (`metadata` of the intent)."""
    of_intent = (message.get(METADATA) or {}).get("intent") or {}
    return _sign(of_intent.get("phase"))


def _solve(
    likeness: NDArray[Any], targets: NDArray[Any], ridge: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The votes of the examples; a sample of the examples, and the scores that each of them would get had it
    not been among the examples. `likeness` is read up to its diagonal, and overwritten."""
    # likeness is a positive definite kernel: Cholesky takes half the time of a general inverse
    likeness[np.diag_indices(len(targets))] += ridge
    # its transpose is in the order that lapack works in without a copy, and filled from its diagonal up
    factor, failed = lapack.spotrf(likeness.T, lower=False, overwrite_a=True)
    if failed:
        raise ValueError("the likeness of the examples is no kernel; raise `ridge` in config.yml")
    votes = lapack.spotrs(factor, targets, lower=False)[0]
    # of the inverse only some of the diagonal is needed, which costs a fraction of all of it
    sample = np.arange(0, len(targets), max(1, len(targets) // LEFT_OUT))
    unit = np.zeros((len(targets), len(sample)), dtype=np.float32, order="F")
    unit[sample, np.arange(len(sample))] = 1
    halves = lapack.strtrs(factor, unit, lower=False, trans=1, overwrite_b=True)[0]
    diagonal = (halves**2).sum(axis=0)
    return votes, sample, targets[sample] - votes[sample] / diagonal[:, np.newaxis]


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
