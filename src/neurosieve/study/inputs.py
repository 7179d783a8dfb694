"""The files that a run's results depend on: texts, word lists and the models' own files, digested when the run begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurosieve.corpora.derived import word_list
from neurosieve.corpora.source import expand
from neurosieve.errors import CorpusError, ModelError, StudyError
from neurosieve.files import file_digest
from neurosieve.study.folder import RunFolder
from neurosieve.study.settings import CorpusSettings, ModelSettings, StudySettings
from neurosieve.study.study_file import model_place

WHOLE_SINCE = 2
"""Version of a run's format from which its manifest names every file; earlier ones named those given one by one."""


def refuse_changed_inputs(folder: RunFolder, settings: StudySettings, manifest: dict[str, Any]) -> None:
    """Note the digests of all input files when a run begins; later refuse to go on with other ones.

    Raises
    ------
    StudyError
        If a file changed, came or went since; the message names it.
    """
    digests = input_digests(settings)
    before = manifest.get("files")
    if before is None or not folder.stores():  # nothing depends on them yet
        folder.note(files=digests)
        return
    whole = manifest.get("format_version", 1) >= WHOLE_SINCE
    settled = {
        *(file for corpus in settings.corpora if folder.holds("corpora", corpus.label) for file in _text_files(corpus)),
        *(file for model in settings.models if folder.holds("models", model.label) for file in _model_files(model)),
    }
    for name in {**before, **digests}:
        if name not in digests:
            what = "is gone"
        elif name not in before:
            if name not in settled or not whole:  # of a model, a corpus or a property that the run grows by
                continue
            what = "is new"
        elif digests[name] != before[name]:
            what = "has changed"
        else:
            continue
        raise StudyError(
            f"{name}: {what} since the run in {folder.path} began, so its results no longer fit; choose another output "
            "folder, or restore the file"
        )
    if not digests.keys() <= before.keys():
        folder.note(files={**before, **digests})


def input_digests(settings: StudySettings) -> dict[str, str]:
    """SHA-256 of every local file that a study reads, by path; those that are missing are left out."""
    files = [
        *(file for corpus in settings.corpora for file in _text_files(corpus)),
        *_word_lists(settings),
        *(file for model in settings.models for file in _model_files(model)),
    ]
    return {name: file_digest(Path(name)) for name in dict.fromkeys(files) if Path(name).is_file()}


def _text_files(corpus: CorpusSettings) -> Iterator[str]:
    given = list(corpus.files)
    if isinstance(corpus.splits, dict):
        given += [file for part in corpus.splits.values() for file in ([part] if isinstance(part, str) else part)]
    for path in given:
        if path == "sample" or path.startswith("hf:"):
            continue
        try:
            yield from map(str, expand(path)[0])
        except CorpusError:  # reading the corpus says so where it is read
            continue


def _word_lists(settings: StudySettings) -> list[str]:
    props = [prop for corpus in settings.corpora for prop in corpus.properties]
    props += [prop for store in settings.stores for prop in store.properties]
    return [file for prop in props if (file := word_list(prop)) is not None]


def _model_files(model: ModelSettings) -> list[str]:
    """Files of a local model: an archive, or what lies in a folder itself; none of a model of the hub."""
    try:
        place = Path(model_place(model.path)).expanduser()
    except ModelError:  # loading the model says so
        return []
    if place.is_dir():
        return [str(file) for file in sorted(place.iterdir()) if file.is_file() and not file.name.startswith(".")]
    return [str(place)] if place.is_file() else []
