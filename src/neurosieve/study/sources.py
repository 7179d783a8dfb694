"""Where a study's activations come from: extracted from a model and a corpus, or a store that is there already."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from neurosieve.activations.extract import extract
from neurosieve.activations.store import ActivationStore, is_complete, open_store
from neurosieve.bars import Reporter
from neurosieve.corpora.corpus import Corpus
from neurosieve.corpora.derived import property_name
from neurosieve.corpora.load import load_corpus
from neurosieve.errors import CorpusError, StudyError
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import CorpusSettings, ModelSettings, StoreSettings, StudySettings, slug
from neurosieve.study.study_file import model_place

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Activations:
    """The activations of one model over one corpus, extracted or not yet.

    Attributes
    ----------
    model, corpus : str
        Names in tables and folders.
    path : Path
        Folder of the store.
    properties : tuple of str
        Properties to study, as the settings write them.
    made_from : tuple of CorpusSettings and ModelSettings, or None
        What they are extracted from; None of a store that is there already.
    """

    model: str
    corpus: str
    path: Path
    properties: tuple[str, ...]
    made_from: tuple[CorpusSettings, ModelSettings] | None = None

    @property
    def complete(self) -> bool:
        """Whether they can be opened now."""
        return is_complete(self.path)

    @property
    def names(self) -> tuple[str, ...]:
        """What the properties are called in tables: one made from text has its own name."""
        return tuple(property_name(prop) or prop for prop in self.properties)

    def open(self, folder: RunFolder, *, loaded: dict[str, Corpus], report: Reporter) -> ActivationStore:
        """The store, extracted now if it is not there; texts that several models read are kept in `loaded`."""
        if (
            self.made_from is None or self.complete
        ):  # the run's settings are the same, so what it holds is what is wanted
            return open_store(self.path)
        corpus, model = self.made_from
        log.info("%s over %s: reading the text and loading the model", self.model, self.corpus)
        started = time.perf_counter()
        if corpus.label not in loaded:
            loaded[corpus.label] = read_corpus(corpus)
        store = extract(
            loaded[corpus.label],
            read_model(model),
            self.path,
            unit=corpus.unit,
            sentence_vector=model.sentence_vector or "mean",
            progress=report(f"activations of {self.model} (words)"),
        )
        # Noted at once, since a run may be interrupted long before it is written.
        folder.note(seconds={f"extract {self.path.name}": round(time.perf_counter() - started, 2)})
        return store


def activations_of(folder: RunFolder, settings: StudySettings) -> list[Activations]:
    """All activations of a study, in its order.

    Raises
    ------
    StudyError
        If two stores have the same names of model and corpus, so that their results would lie in one place.
    """
    found = [
        Activations(
            model.label, corpus.label, folder.store_path(model.label, corpus.label), corpus.properties, (corpus, model)
        )
        for corpus, model in product(settings.corpora, settings.models)
    ]
    found += [
        Activations(str(given.model), str(given.corpus), Path(given.path), given.properties)
        for given in named_stores(settings).stores
    ]
    places = [(slug(a.model), slug(a.corpus)) for a in found]
    for here, place in zip(found, places, strict=True):
        if places.count(place) > 1:
            raise StudyError(
                f"{here.path}: another store of the study has the model '{here.model}' and corpus '{here.corpus}' too; give "
                "one of them a 'model' or 'corpus' of its own (in a study file, or on the command line --name)"
            )
    return found


def properties_of(run: str | Path) -> tuple[str, ...]:
    """What the properties of a run are called: those that its study names, else those of its finished activations."""
    folder = RunFolder(run)
    manifest = folder.manifest()
    if not manifest:
        return ()
    there = activations_of(folder, StudySettings.checked(manifest["settings"], where=str(folder.manifest_path)))
    named = [name for each in there for name in each.names]
    held = [name for each in there if each.complete and not named for name in open_store(each.path).properties]
    return tuple(dict.fromkeys([*named, *held]))


def named_stores(settings: StudySettings) -> StudySettings:
    """The settings with the names of model and corpus that stores have, where the study gives them none."""

    def named(given: StoreSettings) -> StoreSettings:
        path = Path(given.path).expanduser().absolute()
        names = {"model": given.model, "corpus": given.corpus}
        if not all(names.values()):
            manifest = open_store(path).manifest
            names = {part: name or str(manifest[part]["name"]) for part, name in names.items()}
        return given.model_copy(update={"path": str(path), **names})

    return settings.model_copy(update={"stores": tuple(named(given) for given in settings.stores)})


def resolved(store: ActivationStore, prop: str) -> str:
    """The name under which the store has a property that was made from text (``regex:ing$``)."""
    return prop if prop in store.properties else property_name(prop) or prop


def read_corpus(settings: CorpusSettings) -> Corpus:
    """Load the corpus that a study names, with all its properties and those that are made from text."""
    files = list(settings.files) or None
    options: dict[str, Any] = {
        "format": settings.format,
        "columns": settings.columns,
        "splits": settings.splits,
        "name": settings.label,
        "dev_fraction": settings.dev_fraction,
        "test_fraction": settings.test_fraction,
        "random_state": settings.random_state,
        "numeric": settings.numeric,
    }
    corpus = load_corpus(files, **options)
    for note in corpus.notes:
        log.info("%s: %s", corpus.name, note)
    of_words, of_sentences = (", ".join(names) or "none" for names in (corpus.properties, corpus.sentence_properties))
    for prop in settings.properties:
        if settings.unit == "word" and prop in corpus.sentence_properties:
            raise StudyError(
                f"'{prop}' labels whole sentences of '{corpus.name}', and the unit is the word; say unit = sentence "
                f"(--unit sentence), or choose a property of words: {of_words}"
            )
        if settings.unit == "sentence" and prop not in corpus.sentence_properties:
            raise StudyError(
                f"'{prop}' labels no sentences of '{corpus.name}', and the unit is the sentence; properties of sentences: "
                f"{of_sentences}, of words (--unit word): {of_words}"
            )
    if settings.unit == "sentence":
        return corpus
    made = [prop for prop in settings.properties if prop not in corpus.properties]
    if not made:
        return corpus
    try:
        return load_corpus(files, properties=[*corpus.properties, *made], **options)
    except CorpusError:
        usable = [prop for prop in made if _can_be_made(files, prop, options)]
        if not usable and len(made) == len(settings.properties):
            raise  # nothing of the corpus can be studied
    # A property that cannot be made fails on its own, when its cell comes up.
    return load_corpus(files, properties=[*corpus.properties, *usable], **options) if usable else corpus


def _can_be_made(files: list[str] | None, prop: str, options: dict[str, Any]) -> bool:
    try:
        load_corpus(files, properties=[prop], **options)
    except CorpusError:
        return False
    return True


def read_model(settings: ModelSettings, *, head: bool = False) -> Any:  # noqa: ANN401 (LanguageModel, which loads torch)
    """Load the model that a study names, with its language-model head if that is asked for."""
    from neurosieve.models.load import load_model

    return load_model(
        model_place(settings.path),
        pooling=settings.pooling,
        site=settings.site,
        layers=settings.layers,
        untrained=settings.untrained,
        revision=settings.revision,
        device=settings.device,
        dtype=settings.dtype,
        trust_remote_code=settings.trust_remote_code,
        head=head,
    )
