"""What compact features are made of: a model, neurons by name, and what a row stands for; read from a run or an exported folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.errors import NeurosieveError
from neurosieve.runs.opened import Run, open_run
from neurosieve.study.opened import OpenCell
from neurosieve.study.settings import ModelSettings
from neurosieve.study.study_file import model_place

if TYPE_CHECKING:
    from neurosieve.models.language_model import LanguageModel

PLAN = "compact.json"
UNITS = ("word", "sentence")
TOLERANCE = 1e-5
"""Largest difference of a value of an exported network, as a share of the neuron's largest."""


@dataclass(frozen=True)
class CompactPlan:
    """A model and the neurons of it that are wanted.

    Attributes
    ----------
    place : str
        What `load_model` takes.
    neurons : tuple of str
    unit : {"word", "sentence"}
    sentence_vector : str
        What the vector of a sentence is made of.
    options : dict of str to object
        Of `load_model`: pooling, site, dtype and so on.
    digest : str
        Of the weights of the model that the neurons were found in; empty where that is not known.
    """

    place: str
    neurons: tuple[str, ...]
    unit: str = "word"
    sentence_vector: str = "mean"
    options: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise NeurosieveError(f"unit is {self.unit!r}; expected 'word' or 'sentence'")
        if not self.neurons:
            raise NeurosieveError("no neuron is selected; name at least one, or take a smaller delta")
        if len(set(self.neurons)) < len(self.neurons):
            raise NeurosieveError("a neuron is named twice; name each once")

    @property
    def layers(self) -> list[str]:
        """Names of the layers with a selected neuron, in the order of the first of each."""
        return list(dict.fromkeys(_layer_of(name) for name in self.neurons))

    def load(self, *, batch_tokens: int | None = None) -> LanguageModel:
        """The model, with the selected layers and nothing above them."""
        from neurosieve.models.load import load_model

        model = load_model(self.place, layers=self.layers, batch_tokens=batch_tokens, **self.options)
        if self.digest and model.info.digest != self.digest:
            raise NeurosieveError(
                f"'{self.place}' has other weights than the model in which the neurons were found; restore it, or run the study "
                "anew"
            )
        return model

    def places(self, model: LanguageModel) -> list[tuple[int, int]]:
        """For each neuron the position of its layer among the model's, and its own in the layer."""
        known = {
            name: (number, index)
            for number, layer in enumerate(model.layers)
            for index, name in enumerate(layer.neuron_names())
        }
        for name in self.neurons:
            if name not in known:
                raise NeurosieveError(
                    f"'{self.place}' has no neuron {name!r}; expected names such as {next(iter(known))!r}"
                )
        return [known[name] for name in self.neurons]

    def values(self, model: LanguageModel, sentences: Sequence[Sequence[str]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Values of the neurons at every word, shape (n_words, n_neurons)."""
        batch = model.embed(sentences)
        return np.stack([batch.layers[layer][:, index] for layer, index in self.places(model)], axis=1)

    def export(self, folder: Path, model: LanguageModel) -> Path:
        """Write the network as far as it is needed, and this plan (see `CompactFeatures.export`)."""
        from neurosieve.models.huggingface.truncated import save_truncated
        from neurosieve.models.self_test import SENTENCES

        if model.info.family != "huggingface" or str(self.options.get("site", "residual")) != "residual":
            raise NeurosieveError(
                f"'{self.place}' ({model.info.family}, site {self.options.get('site', 'residual')}): only the residual stream of "
                "Hugging Face models can be exported"
            )
        if folder.exists() and any(folder.iterdir()):
            raise NeurosieveError(f"{folder}: holds something already; give an empty folder, or one that is not there")
        depth = max(layer.depth for layer in model.layers)
        expected = self.values(model, SENTENCES)
        plan = CompactPlan(
            ".", self.neurons, self.unit, self.sentence_vector, {**self.options, "untrained": None, "revision": None}
        )
        for n_blocks in (depth, depth + 1):  # a last norm, which only the last block's output passes, may need one more
            save_truncated(self.place, folder, n_blocks=n_blocks, options=self.options)
            _write(plan, folder)
            found = self.values(read_exported(folder).load(), SENTENCES)
            if (np.abs(found - expected) <= TOLERANCE * np.abs(expected).max(axis=0)).all():
                return folder
        raise NeurosieveError(
            f"{folder}: the exported network gives other values than '{self.place}'; use the whole model"
        )


def _layer_of(name: str) -> str:
    layer, found, index = name.rpartition("N")
    if not found or not index.isdigit():
        raise NeurosieveError(f"{name!r} is no name of a neuron; expected one such as 'L3N251'")
    return layer.removesuffix(".")


def _write(plan: CompactPlan, folder: Path) -> None:
    (folder / PLAN).write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")


def read_exported(folder: Path) -> CompactPlan:
    """The plan of a folder that `CompactFeatures.export` wrote."""
    try:
        content = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return CompactPlan(**{**content, "place": str(folder), "neurons": tuple(content["neurons"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NeurosieveError(f"{folder / PLAN}: cannot be read ({error}); export the features again") from error


def read_plan(
    run: object,
    *,
    delta: float = 0.02,
    prop: str | None = None,
    seed: int = 0,
    neurons: Sequence[str] | None = None,
    unit: str | None = None,
) -> CompactPlan:
    """The plan of a run, a cell or an exported folder (see `CompactFeatures`)."""
    named = () if neurons is None else tuple(neurons)
    if isinstance(run, (str, Path)):
        folder = Path(run).expanduser()
        if (folder / PLAN).is_file():
            plan = read_exported(folder)
            return CompactPlan(
                plan.place,
                plan.neurons if neurons is None else named,
                unit or plan.unit,
                plan.sentence_vector,
                plan.options,
                plan.digest,
            )
        if neurons is not None and not (folder / "manifest.json").is_file():
            return CompactPlan(model_place(str(run)), named, unit or "word")
        run = open_run(folder)
    cell = run if isinstance(run, OpenCell) else _cell_of(run, prop)
    manifest = cell.store.manifest
    settings = _model_settings(run, cell)
    chosen = named if neurons is not None else cell.minimal(delta, seed=seed).names
    options = {
        name: getattr(settings, name)
        for name in ("pooling", "site", "untrained", "revision", "device", "dtype", "trust_remote_code")
    }
    how = settings.sentence_vector or "mean"
    return CompactPlan(
        model_place(settings.path),
        chosen,
        unit or cell.store.unit,
        how,
        options,
        str(manifest["model"].get("digest", "")),
    )


def _cell_of(run: object, prop: str | None) -> OpenCell:
    if not isinstance(run, Run):
        raise NeurosieveError(
            f"run is a {type(run).__name__}; pass a run, one of its cells, or the folder of either a run or exported features"
        )
    if prop is not None:
        return run.cells[prop]
    cells = run.cells
    if len({(cell.model, cell.corpus, cell.prop) for cell in cells}) != 1:
        are = ", ".join(dict.fromkeys(cell.prop for cell in cells)) or "none"
        raise NeurosieveError(f"{run.path}: has the properties {are}; name one by prop=, or pass one of run.cells")
    return cells[0]


def _model_settings(run: object, cell: OpenCell) -> ModelSettings:
    """How the cell's model is loaded, as its run says."""
    opened = run if isinstance(run, Run) else open_run(cell.folder.parent.parent)
    for settings in opened.settings.models:
        if settings.label == cell.model:
            return settings
    raise NeurosieveError(
        f"{opened.path}: '{cell.model}' came as activations, so there is no network to run; name its neurons and its path: "
        "CompactFeatures(path, neurons=...)"
    )
