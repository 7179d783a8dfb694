"""Every public name with its home and its type: the one list of what `neurosieve` offers."""

from ._version import __version__
from .activations.arrays import store_from_arrays
from .activations.extract import extract
from .activations.labelled_split import LabelledSplit
from .activations.splits import Splits
from .activations.store import ActivationStore, open_store
from .analysis.labels import label_distribution
from .analysis.layers import layer_distribution
from .bars import progress
from .compact.features import CompactFeatures
from .compact.redundancy import correlation_clusters, lowest_layer, reduced_neurons
from .corpora.annotated import Sentence
from .corpora.corpus import Corpus
from .corpora.load import load_corpus
from .errors import NeurosieveError
from .experiments.ablation import ablate
from .experiments.control import ControlTask, selectivity
from .experiments.discovery import discover_neurons
from .experiments.interventions.intervene import Interventions, intervene
from .experiments.interventions.pairs import MinimalPair, read_pairs
from .experiments.minimal import minimal_neurons
from .experiments.search import search_lambdas
from .experiments.stability import stability
from .models.language_model import LanguageModel
from .models.load import load_model
from .planted import make_planted
from .probes.engine import fit_probes
from .probes.estimator import ElasticNetProbe
from .probes.predict import predict_codes, score_probes
from .probes.spec import FittedProbe, ProbeSpec
from .rankings.probeless import probeless_ranking
from .rankings.rank_all import rank_all
from .rankings.ranking import NeuronRanking
from .rankings.registry import rank
from .rankings.weight_mass import weight_mass_ranking
from .report.html import write_report
from .runs.compare import compare
from .runs.neurons import show
from .runs.opened import Run, open_run
from .runs.study import run_study
from .study.settings import StudySettings
from .study.template_pairs import pairs_from_templates

__all__ = [
    "ActivationStore",
    "CompactFeatures",
    "ControlTask",
    "Corpus",
    "ElasticNetProbe",
    "FittedProbe",
    "Interventions",
    "LabelledSplit",
    "LanguageModel",
    "MinimalPair",
    "NeuronRanking",
    "NeurosieveError",
    "ProbeSpec",
    "Run",
    "Sentence",
    "Splits",
    "StudySettings",
    "__version__",
    "ablate",
    "compare",
    "correlation_clusters",
    "discover_neurons",
    "extract",
    "fit_probes",
    "intervene",
    "label_distribution",
    "layer_distribution",
    "load_corpus",
    "load_model",
    "lowest_layer",
    "make_planted",
    "minimal_neurons",
    "open_run",
    "open_store",
    "pairs_from_templates",
    "predict_codes",
    "probeless_ranking",
    "progress",
    "rank",
    "rank_all",
    "read_pairs",
    "reduced_neurons",
    "run_study",
    "score_probes",
    "search_lambdas",
    "selectivity",
    "show",
    "stability",
    "store_from_arrays",
    "weight_mass_ranking",
    "write_report",
]
