"""Minimal pairs made from an annotated corpus: templates filled with two forms of the same lemma, one of which is right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from neurosieve.corpora.corpus import Corpus
from neurosieve.errors import NeurosieveError
from neurosieve.experiments.interventions.pairs import MinimalPair

GAP = "{}"
"""Stands in a template, as a word of its own, for the form that decides."""


def pairs_from_templates(
    corpus: Corpus, templates: Mapping[str, Sequence[str]], *, prop: str, lemma: str = "lemma"
) -> list[MinimalPair]:
    """Fill templates with the forms that lemmas have under two labels.

    Of each lemma that occurs with both labels the commonest form under each is taken, in lower case. Words with other than
    letters are not counted, and a lemma whose two forms are the same makes no pair.

    Parameters
    ----------
    corpus : Corpus
        Where forms are counted. Take text that no ranking is made from.
    templates : mapping of str to sequence of str
        For each of two labels sentences in which a form with that label is right, and one with the other label wrong; their
        words are divided by spaces, and one of them is ``{}``.
    prop, lemma : str
        Properties of the corpus: the label, and what forms of one word have in common.

    Returns
    -------
    list of MinimalPair
        Lemmas from the commonest on (the rarer of its labels counts), each with its templates in the order in which they
        are given, labels in turn; `label` is the one that the good sentence calls for.

    Raises
    ------
    NeurosieveError
        If there are not two labels, a template has not one gap, the corpus lacks a property, or no lemma has both labels.

    Examples
    --------
    >>> import neurosieve as ns
    >>> words = ns.Sentence(("dog", "dogs"), {"lemma": ("dog", "dog"), "xpos": ("NN", "NNS")})
    >>> templates = {"NN": ["this {}"], "NNS": ["these {}"]}
    >>> for pair in ns.pairs_from_templates(ns.Corpus([words]), templates, prop="xpos"):
    ...     print(pair.label, *pair.good, "/", *pair.bad)
    NN this dog / this dogs
    NNS these dogs / these dog
    """
    if len(templates) != 2 or not all(templates.values()):
        raise NeurosieveError(
            f"templates are given for {', '.join(templates) or 'no label'}; expected two labels, each with a sentence at least"
        )
    for template in (template for several in templates.values() for template in several):
        if template.split().count(GAP) != 1:
            raise NeurosieveError(f"the template {template!r} has not one word {GAP}; put it where the form stands")
    for name in (prop, lemma):
        if name not in corpus.properties:
            raise NeurosieveError(
                f"corpus '{corpus.name}' has no property '{name}'; it has {', '.join(corpus.properties) or 'none'}"
            )
    counts = _counted(corpus, prop, lemma, labels=tuple(templates))
    known = {name: forms for name, forms in counts.items() if len(forms) == 2}
    pairs = []
    for name in sorted(known, key=lambda name: (-min(c.total() for c in known[name].values()), name)):
        form = {label: _commonest(of_label) for label, of_label in known[name].items()}
        if len(set(form.values())) == 1:
            continue
        for number in range(max(map(len, templates.values()))):
            for label, other in (tuple(templates), tuple(templates)[::-1]):
                if number < len(templates[label]):
                    words = templates[label][number].split()
                    good, bad = (tuple(form[which] if w == GAP else w for w in words) for which in (label, other))
                    pairs.append(MinimalPair(good, bad, label=label, where=f"{name}, {label}, template {number + 1}"))
    if not pairs:
        raise NeurosieveError(
            f"no '{lemma}' of corpus '{corpus.name}' has different forms with '{prop}' {' and '.join(templates)}; "
            "check the labels, or give more text"
        )
    return pairs


def _counted(corpus: Corpus, prop: str, lemma: str, *, labels: Sequence[str]) -> dict[str, dict[str, Counter[str]]]:
    """How often each lemma has each form with each label."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for sentence in corpus.sentences:
        columns = (sentence.labels.get(name, (None,) * len(sentence.words)) for name in (lemma, prop))
        for word, of_word, label in zip(sentence.words, *columns, strict=True):
            if of_word is not None and label in labels and word.isalpha():
                counts[str(of_word)][str(label)][word.lower()] += 1
    return counts


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], form))
