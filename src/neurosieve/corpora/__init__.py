"""Annotated text: files of many formats, or the built-in sample, to a `Corpus`."""

from neurosieve.corpora.corpus import Corpus, Label, Sentence
from neurosieve.corpora.load import load_corpus

__all__ = ["Corpus", "Label", "Sentence", "load_corpus"]
