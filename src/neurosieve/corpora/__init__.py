"""Annotated text: files of many formats, or the built-in sample, to a `Corpus`."""

from neurosieve.corpora.annotated import Label, Sentence
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.load import load_corpus

__all__ = ["Corpus", "Label", "Sentence", "load_corpus"]
