"""`CompactFeatures`: text in, the values of the selected neurons out, from no more of the network than they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neurosieve.bars import Progress, with_bar
from neurosieve.compact.plan import CompactPlan, read_plan
from neurosieve.errors import NeurosieveError

if TYPE_CHECKING:
    from typing_extensions import Self

    from neurosieve.models.language_model import LanguageModel

_SENTENCES = 1024  # that are embedded together: their vectors of all computed layers are in memory


class CompactFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Features of text for a classifier: the values of a few selected neurons [1]_.

    The network is run as far as the highest layer with a selected neuron, and what lies above is taken out of it. With a run of
    words `transform` gives a row a word, with one of sentences a row a sentence.

    Parameters
    ----------
    run : Run, OpenCell, str or Path
        A run (or its folder), one of its cells, or a folder that `export` wrote. With `neurons`, also whatever `load_model` takes.
    delta : float
        The minimal set that is taken: that within `delta` of the score of all neurons. It must be among the run's.
    prop : str, optional
        The property, where the run has several.
    seed : int
        Of the minimal set.
    neurons : sequence of str, optional
        Names such as ``L3N251``, in place of a minimal set; `neurosieve.compact.redundancy.reduced_neurons` gives some.
    unit : {"word", "sentence"}, optional
        By default what the run's rows stand for.
    batch_tokens : int, optional
        As in `load_model`.

    Attributes
    ----------
    neurons_ : tuple of str, length n_features
        Names of the neurons, in the order of the features: most salient first.
    unit_ : str
    n_layers_ : int
        Depth of the highest layer that is computed.

    References
    ----------
    .. [1] Dalvi, Sajjad, Durrani, Belinkov. Analyzing Redundancy in Pretrained Transformer Models. EMNLP 2020.

    Examples
    --------
    >>> import neurosieve as ns
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> made = make_pipeline(ns.CompactFeatures("runs/sentiment", delta=0.02), LogisticRegression())

    and then ``made.fit(sentences, labels)``.
    """

    def __init__(
        self,
        run: object,
        *,
        delta: float = 0.02,
        prop: str | None = None,
        seed: int = 0,
        neurons: Sequence[str] | None = None,
        unit: str | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self.run = run
        self.delta = delta
        self.prop = prop
        self.seed = seed
        self.neurons = neurons
        self.unit = unit
        self.batch_tokens = batch_tokens

    def fit(self, X: Sequence[str | Sequence[str]] | None = None, y: object = None) -> Self:  # noqa: ARG002
        """Find the neurons and load the network; neither `X` nor `y` is looked at.

        Raises
        ------
        NeurosieveError
            If the run, the cell, the minimal set or a neuron does not exist, or the model is not the one that the run read.
        """
        plan = read_plan(
            self.run, delta=self.delta, prop=self.prop, seed=self.seed, neurons=self.neurons, unit=self.unit
        )
        model = plan.load(batch_tokens=self.batch_tokens)
        self._plan: CompactPlan = plan
        self._model: LanguageModel | None = model
        self._places = plan.places(model)
        self.neurons_ = plan.neurons
        self.unit_ = plan.unit
        self.n_layers_ = max(layer.depth for layer in model.layers)
        return self

    @with_bar("features (sentences)")
    def transform(self, X: Sequence[str | Sequence[str]], *, progress: Progress | None = None) -> NDArray[np.float32]:
        """Values of the neurons.

        Parameters
        ----------
        X : sequence of str, or of sequence of str
            Sentences, each as its words, or as text that is divided at blanks.
        progress : callable, optional
            Called as ``progress(sentences_done, sentences_in_all)``.

        Returns
        -------
        ndarray of shape (n_words of all sentences, n_features) or (n_sentences, n_features), float32

        Raises
        ------
        NeurosieveError
            If a sentence has no words, or a word has no vector.
        """
        check_is_fitted(self)
        if isinstance(X, str):
            raise NeurosieveError("X is one text; pass a list of sentences")
        sentences = [text.split() if isinstance(text, str) else [str(word) for word in text] for text in X]
        if not sentences:
            return np.empty((0, len(self.neurons_)), dtype=np.float32)
        parts = []
        for start in range(0, len(sentences), _SENTENCES):
            parts.append(self._values(sentences[start : start + _SENTENCES], start))
            if progress is not None:
                progress(min(start + _SENTENCES, len(sentences)), len(sentences))
        return np.concatenate(parts)

    def _values(self, sentences: list[list[str]], start: int) -> NDArray[np.float32]:
        """The features of some sentences, the first of which is number `start`."""
        model, plan = self._loaded(), self._plan
        batch = (
            model.embed(sentences)
            if plan.unit == "word"
            else model.embed_sentences(sentences, how=plan.sentence_vector)
        )
        if not batch.kept.all():
            row = int(np.argmin(batch.kept))
            number = int(np.searchsorted(batch.offsets, row, side="right")) - 1
            what = f"word {row - batch.offsets[number]} of " if plan.unit == "word" else ""
            text = " ".join(sentences[number])[:60]
            raise NeurosieveError(
                f"{what}sentence {start + number} ({text!r}) has no sub-word and so no vector; leave it out"
            )
        found = np.empty((len(batch.kept), len(self.neurons_)), dtype=np.float32)
        for feature, (layer, index) in enumerate(self._places):
            found[:, feature] = batch.layers[layer][:, index]
        return found

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Names of the neurons, shape (n_features,)."""
        check_is_fitted(self)
        return np.array(self.neurons_, dtype=object)

    def export(self, folder: str | Path) -> Path:
        """Write the network up to the highest selected layer as a Hugging Face folder, with the names of the neurons.

        ``AutoModel.from_pretrained(folder)`` loads it, and so does ``CompactFeatures(folder)``. The values of the exported network
        are compared with those of this one before it is left.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist; must be empty.

        Returns
        -------
        Path

        Raises
        ------
        NeurosieveError
            If the folder holds something, the model is not of the Hugging Face family, the neurons are not of the residual
            stream, or the exported network gives other values.
        """
        check_is_fitted(self)
        return self._plan.export(Path(folder), self._loaded())

    def _loaded(self) -> LanguageModel:
        if self._model is None:  # after unpickling
            self._model = self._plan.load(batch_tokens=self.batch_tokens)
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_model" in state:
            state["_model"] = None  # networks are loaded again, not pickled
        return state

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags
