"""Which neurons of a language model carry a property, how few suffice, where they sit, and how sure we are.

Public names are loaded when first used, so that ``import neurosieve`` is instant.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "corpora.corpus": ("Corpus", "Sentence"),
    "corpora.load": ("load_corpus",),
    "models.language_model": ("LanguageModel",),
    "models.load": ("load_model",),
    "activations.store": ("ActivationStore", "open_store"),
    "activations.extract": ("extract",),
    "probes.spec": ("FittedProbe", "ProbeSpec"),
    "probes.engine": ("fit_probes",),
    "probes.predict": ("predict_codes", "score_probes"),
    "probes.estimator": ("ElasticNetProbe",),
    "rankings.ranking": ("NeuronRanking",),
    "rankings.weight_mass": ("weight_mass_ranking",),
    "activations.splits": ("LabelledSplit", "Splits"),
    "experiments.search": ("search_lambdas",),
    "experiments.ablation": ("ablate",),
    "experiments.minimal": ("minimal_neurons",),
    "experiments.control": ("ControlTask", "selectivity"),
    "experiments.stability": ("stability",),
    "experiments.discovery": ("discover_neurons",),
    "analysis.layers": ("layer_distribution",),
    "analysis.labels": ("label_distribution",),
    "study.settings": ("StudySettings",),
    "study.run": ("run_study",),
    "study.compare": ("compare",),
    "report.html": ("write_report",),
    "planted": ("make_planted",),
    "errors": ("NeurosieveError",),
    "_version": ("__version__",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'neurosieve' has no attribute {name!r}")
    value = getattr(import_module(f"neurosieve.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
