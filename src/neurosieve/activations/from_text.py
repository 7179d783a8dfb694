"""Properties that are made from text, for a store that was extracted without them: its own words tell their labels."""

from __future__ import annotations

from neurosieve.activations.store import ActivationStore
from neurosieve.corpora.annotated import Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.derived import derive, property_name
from neurosieve.errors import StoreError


def with_property(store: ActivationStore, spec: str) -> ActivationStore:
    """The store with a property that a text describes, such as ``casing`` or ``regex:ing$``; nothing is written.

    Words that have no vector stand in their sentences as they did in the corpus, so that labels are those that an extraction
    with the property would have stored.

    Parameters
    ----------
    store : ActivationStore
        Whole, not a view.
    spec : str
        See `neurosieve.corpora.derived`. A store that has the property, and a text that describes none, change nothing.

    Raises
    ------
    StoreError
        If rows of the store are sentences.
    CorpusError
        If the text does not describe a property rightly.
    """
    name = property_name(spec)
    if name is None or name in store.properties or spec in store.properties:
        return store
    if store.unit != "word":
        raise StoreError(f"{store.path}: its rows are sentences, and '{spec}' labels words; extract with the unit word")
    numbers, corpus = _text_of(store)
    labelled = zip(numbers, derive(corpus, spec).sentences, strict=True)
    labels = {(n, at): label for n, sentence in labelled for at, label in enumerate(sentence.labels[name])}
    places = zip(store.words["sentence"].tolist(), store.words["position"].tolist(), strict=True)
    return store.with_labels(name, [labels[place] for place in places])


def _text_of(store: ActivationStore) -> tuple[list[int], Corpus]:
    """Numbers of the sentences with a stored word, and these sentences whole, with words that have no vector."""
    words = store.words
    parts: dict[int, dict[int, str]] = {}
    for number, position, word in zip(words["sentence"], words["position"], words["word"], strict=True):
        parts.setdefault(int(number), {})[int(position)] = str(word)
    for gone in store.manifest["left_out"]:
        if gone["sentence"] in parts:
            parts[gone["sentence"]][gone["position"]] = gone["word"]
    split_of = dict(zip(words["sentence"].tolist(), words["split"].tolist(), strict=True))
    sentences = []
    for number, part in parts.items():
        if sorted(part) != list(range(len(part))):
            raise StoreError(
                f"{store.path}: positions of the words of sentence {number} have gaps; its text is not whole"
            )
        sentences.append(Sentence(tuple(part[at] for at in range(len(part))), split=split_of[number]))
    return list(parts), Corpus(sentences, name=str(store.manifest["corpus"]["name"]))
