"""The one interface behind which every family of language models stands: words in, one vector per word and layer out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurosieve.errors import ModelError
from neurosieve.models.asked import Asked, AskedPair
from neurosieve.models.edits import Edit
from neurosieve.models.logits import SentenceLogits
from neurosieve.models.vectors import VectorBatch
from neurosieve.models.vectors import WordVectors as WordVectors  # where models of other packages have looked for it
from neurosieve.notebook import card

SENTENCE_VECTORS = ("mean", "first", "last", "special")
"""What one vector of a whole sentence is made of: all of its words, one of them, or the model's special token."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of neurons.

    Attributes
    ----------
    name : str
        ``"L3"`` for the output of block 3 (``"L0"`` = embeddings); with a site other than the residual stream ``"L3.mlp"``.
        Neuron 251 of the layer is named ``f"{name}N251"`` (``"L3N251"``), or ``"L3.mlp.N251"`` with a site.
    width : int
        Number of neurons in the layer.
    depth : int
        Number of the layer in the network: 0 for the embeddings, 1 for the first block, ...
    site : str
        Where in the block the neurons sit: ``"residual"``, ``"mlp"``, ``"attention"`` or ``"heads"``.
    """

    name: str
    width: int
    depth: int
    site: str = "residual"

    def neuron_names(self) -> list[str]:
        """Names of the layer's neurons, in order."""
        dot = "" if self.site == "residual" else "."
        return [f"{self.name}{dot}N{i}" for i in range(self.width)]


@dataclass(frozen=True)
class ModelInfo:
    """What identifies a model in a manifest.

    Attributes
    ----------
    name : str
        As the user gave it (hub name, or the folder's or archive's own name, never its whole path).
    family : str
        Its name in the table of `neurosieve.models.families`, such as ``"huggingface"``.
    architecture : str
        Class or model type, such as ``"BertModel"``.
    revision : str
        Commit of a hub model; empty for local ones.
    digest : str
        SHA-256 (hex) over the weights as loaded (names, shapes, bytes).
    settings : mapping
        Whatever else changes the vectors: pooling, site, dtype, untrained seed, ...
    """

    name: str
    family: str
    architecture: str
    revision: str
    digest: str
    settings: Mapping[str, object] = field(default_factory=dict)


class LanguageModel(ABC):
    """A loaded language model that embeds pre-tokenised words.

    Attributes
    ----------
    info : ModelInfo
    layers : tuple of Layer
        The layers that `embed` returns, lowest first.
    special_token : str or None
        What `embed_sentences` reads as the special token, such as ``"[CLS]"``; None if the model has none.
    head : str or None
        What `logits` are about: ``"masked"``, ``"causal"`` or ``"seq2seq"`` (see
        `neurosieve.models.logits.SentenceLogits`); None if the model was loaded without its head, or has none.
    """

    info: ModelInfo
    layers: tuple[Layer, ...]
    special_token: str | None = None
    head: str | None = None

    def _facts(self) -> dict[str, str]:
        widths = sorted({layer.width for layer in self.layers})
        size = (
            f"{self.n_layers} x {widths[0]}"
            if len(widths) == 1
            else f"{self.n_layers} layers of {widths[0]} to {widths[-1]}"
        )
        facts = {"architecture": self.info.architecture, "neurons": f"{self.n_neurons:,} ({size})"}
        facts["layers"] = f"{self.layers[0].name} to {self.layers[-1].name}"
        return facts | ({"head": self.head} if self.head else {})

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.info.name}: {', '.join(f'{k} {v}' for k, v in self._facts().items())}"

    def _repr_html_(self) -> str:
        settings = {name: value for name, value in self.info.settings.items() if value not in (None, "", (), [])}
        return card(f"LanguageModel {self.info.name}", {**self._facts(), **settings})

    @property
    def n_layers(self) -> int:
        """Number of layers, the embeddings included."""
        return len(self.layers)

    @property
    def n_neurons(self) -> int:
        """Number of neurons of all layers together."""
        return sum(layer.width for layer in self.layers)

    @property
    def width(self) -> int:
        """Width of the layers (of the widest, where they differ)."""
        return max(layer.width for layer in self.layers)

    @abstractmethod
    def embed(self, sentences: Sequence[Sequence[str]]) -> VectorBatch:
        """Embed sentences, whatever their length, in length-sorted batches under the model's token budget.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence, not empty.

        Returns
        -------
        VectorBatch
            Of the sentences in the given order. The values do not depend on which sentences are embedded together (up to
            float32 rounding).
        """

    def require_sentence_vector(self, how: str) -> None:
        """Raise a `ModelError` unless `embed_sentences` can make sentence vectors of the kind `how`."""
        if how not in SENTENCE_VECTORS:
            raise ModelError(f"sentence_vector is {how!r}; expected one of {', '.join(SENTENCE_VECTORS)}")
        if how == "special" and self.special_token is None:
            raise ModelError(
                f"'{self.info.name}' ({self.info.family}) has no special token that stands for a sentence; use the mean, "
                "the first or the last word as its vector"
            )

    def embed_sentences(self, sentences: Sequence[Sequence[str]], *, how: str = "mean") -> VectorBatch:
        """Embed sentences as wholes.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence, not empty.
        how : {"mean", "first", "last", "special"}
            The mean of the words' vectors, that of the first or the last word that has one, or that of the special token
            (see `special_token`).

        Returns
        -------
        VectorBatch
            Whose ``kept`` has one entry a sentence, False if no word of it has a vector.

        Raises
        ------
        ModelError
            If the model has no special token and that was asked for.
        """
        self.require_sentence_vector(how)
        return self._embed_special(sentences) if how == "special" else self.embed(sentences).reduced(how)

    def _embed_special(self, sentences: Sequence[Sequence[str]]) -> VectorBatch:
        """Embed sentences by their special token; only called where `special_token` names one."""
        raise NotImplementedError

    def edited(self, edits: Sequence[Edit]) -> LanguageModel:  # noqa: ARG002 (for families that can be edited)
        """The same model with changes in its forward pass, which all that follows them sees.

        Parameters
        ----------
        edits : sequence of Edit
            In place of those that the model may have already; none gives it back as it was loaded.

        Returns
        -------
        LanguageModel
            It shares the weights of this one, which stays as it is. What it embeds and says is that of the changed
            network, a neuron that is changed has its new value, and its ``info`` tells the edits.

        Raises
        ------
        ModelError
            If there is no such layer or neuron, or the family cannot be edited.
        """
        raise ModelError(
            f"'{self.info.name}' cannot be edited: the family {self.info.family} only reads its models; use a Hugging Face "
            "model"
        )

    def logits(
        self,
        sentences: Sequence[Sequence[str]],  # noqa: ARG002
        *,
        masked: Sequence[Sequence[int]] | None = None,  # noqa: ARG002
    ) -> list[SentenceLogits]:
        """What the model's head says of sentences.

        Parameters
        ----------
        sentences : sequence of sequence of str
            Words of each sentence, not empty. The result takes 4 bytes for each position and each entry of the vocabulary:
            give as many sentences at once as that allows.
        masked : sequence of sequence of int, optional
            For each sentence the words whose sub-words are hidden behind the mask token; only for a masked head.

        Returns
        -------
        list of SentenceLogits
            One a sentence, in the given order.

        Raises
        ------
        ModelError
            If the model has no head, a sentence is longer than its window, or there is no such word.
        """
        raise ModelError(self._no_head())

    def ask_pairs(
        self,
        pairs: Sequence[tuple[Sequence[str], Sequence[str]]],  # noqa: ARG002
        *,
        reading: str | None = None,  # noqa: ARG002
        paired: Sequence[Sequence[str]] | None = None,  # noqa: ARG002
    ) -> list[AskedPair | str]:
        """How the head is asked about minimal pairs.

        Parameters
        ----------
        pairs : sequence of (words, words)
            The good sentence and the bad one.
        reading : {"next", "sentence", "rest", "masked", "pseudo"}, optional
            Of a causal head: the sub-word at the first difference after what both have in common (the default); all
            sub-words from there on; or those of the end that both share. Of a masked head: the words that differ, hidden
            together (the default); or all sub-words of the sentences, each hidden in its turn (pseudo-log-likelihood).
        paired : sequence of words, optional
            For each pair a sentence from which `neurosieve.models.edits.FromPaired` takes values.

        Returns
        -------
        list of AskedPair or str
            A str says why a pair cannot be asked about.

        Raises
        ------
        ModelError
            If the model has no head that reads pairs in that way.
        """
        raise ModelError(self._no_head())

    def ask_texts(self, sentences: Sequence[Sequence[str]]) -> list[Asked | str]:  # noqa: ARG002
        """Ask the head about every sub-word of sentences; a str says why one cannot be asked about."""
        raise ModelError(self._no_head())

    def answers(
        self,
        texts: Sequence[Asked],  # noqa: ARG002
        variants: Sequence[Sequence[Edit]] = (),  # noqa: ARG002
        *,
        measure: str | Sequence[str] = "log_probability",  # noqa: ARG002
        progress: Callable[[float, float], None] | None = None,  # noqa: ARG002
    ) -> list[NDArray[np.float32]]:
        """What the head says where it is asked, of the model as it is and of edited versions, many at once.

        Parameters
        ----------
        texts : sequence of Asked
        variants : sequence of sequence of Edit
            The edits of each version; none is the model as it is.
        measure : {"logit", "log_probability", "divergence"}, or a sequence of these
            See `neurosieve.models.asked.MEASURES`.
        progress : callable, optional
            Called with the texts that are done and their number.

        Returns
        -------
        list of ndarray of shape (n_variants + 1, n_asked), float32
            One a text; the first row is the model as it is. Of a sequence of measures (n_measures, n_variants + 1, n_asked).

        Raises
        ------
        ModelError
            If the model has no head, a place cannot be edited, or an edit gives values that are not finite.
        """
        raise ModelError(self._no_head())

    def _no_head(self) -> str:
        return f"'{self.info.name}' ({self.info.family}) has no language-model head here; load a Hugging Face model with head=True"
