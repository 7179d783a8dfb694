"""The readers that `fuzz.py` gives rubbish to: what each reads, and well-formed inputs to begin from."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Read = Callable[[bytes], object]

TEXTS = {
    "conllu": "# text = a b\n1-2\tab\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\ta\tDET\tDT\tCase=Nom\t2\tdet\t2:det\tX=1\n"
    "2\tb\tb\tNOUN\tNN\t_\t0\troot\t0:root\t_\n2.1\tc\tc\tX\tX\t_\t_\t_\t2:x\t_\n",
    "conllx": "1\ta\t_\tD\tDT\t_\t2\tNMOD\t2\tNMOD\n2\tb\t_\tN\tNN\t_\t0\tROOT\t0\tROOT\n",
    "pmb": "# newdoc id = p00/d0001\nTom\tTom\ttom\tPER\tn\tmale.n.02\t[]\nleft\tleft\tleave\tEPS\ts:dcl\\np\tO\t[Theme]\n",
    "semtag": "Word\tCON\nof\tREL\nhonour\tCON\n.\tNIL\n",
    "sentences": "sentence\tlabel\na fine film\t1\na dull one\t0\n",
    "tsv": "word\tpos\tchunk\tsem\na\tDT\tB-NP\tDIS\n\nb\tNN\tI-NP\tCON\n",
    "conll2000": "a DT B-NP\ndog NN I-NP\n\nbarks VB B-VP\n",
    "conll2002": "Juan NC B-PER\nva VMI O\n, Fc O\n",
    "conll2003": "-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG\nleft VBD I-VP O\n",
    "pipe": "a|DT|NP/N dog|NN|N\nno|DT|NP/N cat|NN|N\n",
    "ptb": "( (S\n  (NP (DT a) (NN dog))\n  (VP (VBZ barks)) (-NONE- *T*-1) (. .)))\n",
    "ccgbank": "ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n(<T NP 0 2> (<L NP/N DT DT a NP/N>) (<L N NN NN dog N>) )\n",
    "columns": "a DT x\nb NN y\n\nc NN z\n",
}
STUDY = """[[models]]
path = "model"
sites = ["residual", "mlp"]
twins = [0]
[[corpora]]
files = ["a.conllu", "b.conllu"]
properties = ["xpos", "gerund=regex:ing$", "list:words.txt"]
[[corpora]]
name = "other"
properties = ["upos"]
splits = { train = "t", dev = ["d"], test = "e" }
[[stores]]
path = "activations"
properties = ["pos"]
[probes]
ranking = ["weight-mass", "probeless"]
grid = "quick"
seeds = 2
deltas = [0.005, 0.02]
memory_limit = "4GB"
[interventions]
pairs = "pairs.jsonl"
"""
PAIRS = b'{"sentence_good": "a dog barks", "sentence_bad": "a dog bark", "label": "x"}\n{"good": "b", "bad": "c", "paired": "d"}\n'


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes
    ----------
    seeds : tuple of bytes
        Well-formed inputs.
    read : callable
        Takes an input as the content of a file; returns, or raises what the reader raises.
    json : bool
        Whether inputs are JSON, so that values in them can be exchanged.
    """

    seeds: tuple[bytes, ...]
    read: Read
    json: bool = False


def readers(folder: Path, more: Path | None = None) -> dict[str, Reader]:
    """All readers by name, which put their files into `folder`; to the seeds of corpora the files below `more` are added."""
    folder.mkdir(parents=True, exist_ok=True)
    found = _corpora(folder, [] if more is None else [p for p in sorted(more.rglob("*")) if p.is_file()])
    found |= _texts(folder)
    run = small_run(folder)
    return found | _of_run(run) | _of_store(run.parent / "store") | _models(folder)


def small_run(folder: Path) -> Path:
    """A finished run on planted activations, made once; the store lies beside it."""
    import neurosieve as ns
    from neurosieve.study.settings import StudySettings

    run, store = folder / "run", folder / "store"
    if not (run / "report.html").is_file():
        planted = ns.make_planted(n_words=300, n_neurons=12, n_labels=3, n_informative=4, random_state=0)
        splits = ["train"] * 200 + ["dev"] * 50 + ["test"] * 50
        ns.store_from_arrays(store, planted.X, labels={"pos": planted.y}, splits=splits)
        probes = {"solver": "adam", "grid": "quick", "seeds": 1, "epochs": 1, "step": 0.25, "deltas": [0.02]}
        entry = {"path": str(store), "properties": ["pos"], "model": "m", "corpus": "c"}
        ns.run_study(StudySettings.checked({"stores": [entry], "probes": probes}), run)
    return run


def _corpora(folder: Path, more: list[Path]) -> dict[str, Reader]:
    import neurosieve as ns

    extra = tuple(path.read_bytes()[:3000].rpartition(b"\n")[0] + b"\n" for path in more)

    def reader(name: str, text: str) -> Reader:
        path = folder / f"{name}.txt"
        columns = ["word", "pos", None] if name == "columns" else None

        def read(data: bytes) -> object:
            path.write_bytes(data)
            return ns.load_corpus(path, format=name, columns=columns, dev_fraction=0, test_fraction=0)

        return Reader((text.encode(), *(seed for seed in extra if seed.strip())), read)

    found = {name: reader(name, text) for name, text in TEXTS.items()}
    path = folder / "any.txt"

    def recognised(data: bytes) -> object:
        path.write_bytes(data)
        return ns.load_corpus(path, dev_fraction=0, test_fraction=0)

    texts = [text.encode() for text in TEXTS.values()]
    packed = [gzip.compress(text, mtime=0) for text in texts[:3]]
    return found | {"recognised": Reader((*texts, *extra), recognised), "gzip": Reader((*packed,), recognised)}


def _texts(folder: Path) -> dict[str, Reader]:
    from neurosieve.corpora.corpus import Corpus
    from neurosieve.corpora.derived import derive
    from neurosieve.experiments.interventions.pairs import read_pairs
    from neurosieve.rankings.attributions import attribution_ranking
    from neurosieve.study.settings import StudySettings

    def on(name: str, read: Callable[[Path], object]) -> Read:
        def reading(data: bytes) -> object:
            (folder / name).write_bytes(data)
            return read(folder / name)

        return reading

    import pandas as pd

    from neurosieve.corpora.annotated import Sentence

    corpus = Corpus([Sentence(words=("red", "dog"), labels={"pos": ("JJ", "NN")}, split="train")])
    neurons = pd.DataFrame({"neuron": ["L0N0", "L0N1"]})
    words = on("words.txt", lambda path: derive(corpus, f"colour=list:{path}"))
    scores = on("scores.csv", lambda path: attribution_ranking(path, neurons=neurons))
    return {
        "study": Reader((STUDY.encode(),), on("study.toml", StudySettings.from_toml)),
        "pairs": Reader((PAIRS,), on("pairs.jsonl", read_pairs)),
        "pairs-csv": Reader((b"good,bad,label\na b,a c,x\n",), on("pairs.csv", read_pairs)),
        "word-list": Reader((b"red\tcolour\nblue\tcolour\n", b"red\nblue\n"), words),
        "attributions": Reader((b"neuron,score,NN\nL0N0,0.5,1\nL0N1,-2,0\n",), scores),
    }


def unsealed(path: Path) -> bytes:
    """A JSON file of ours without its digest, as if somebody had edited it: with it, every change is refused as such."""
    from neurosieve.files import read_sealed_json

    return json.dumps(read_sealed_json(path), indent=1).encode()


def _of_run(run: Path) -> dict[str, Reader]:
    import neurosieve as ns
    from neurosieve.runs.compare import compare
    from neurosieve.study.result import read_result

    manifest = run / "manifest.json"
    stages = sorted((run / "cells").glob("*/*.json"))
    probe = sorted((run / "cells").glob("*/*.safetensors"))[0]
    results = run / "results.csv"
    originals = {path: path.read_bytes() for path in (manifest, results)}

    def opened(data: bytes) -> object:
        manifest.write_bytes(data)
        try:
            return repr(ns.open_run(run))
        finally:
            manifest.write_bytes(originals[manifest])

    def stage(data: bytes) -> object:
        path = run.parent / "stage.json"
        path.write_bytes(data)
        return read_result(path)

    def fitted(data: bytes) -> object:
        path = run.parent / "probe.safetensors"
        path.write_bytes(data)
        return repr(ns.FittedProbe.load(path))

    def compared(data: bytes) -> object:
        loose = run.parent / "handed-on"
        if not loose.is_dir():
            loose.mkdir()
            for path in run.glob("*.csv"):
                (loose / path.name).write_bytes(path.read_bytes())
        (loose / "results.csv").write_bytes(data)
        return compare(run, loose)

    return {
        "run-manifest": Reader((unsealed(manifest), originals[manifest]), opened, json=True),
        "stages": Reader((*map(unsealed, stages), stages[0].read_bytes()), stage, json=True),
        "probe": Reader((probe.read_bytes(),), fitted),
        "results-csv": Reader((originals[results],), compared),
    }


def _of_store(store: Path) -> dict[str, Reader]:
    import neurosieve as ns

    manifest, words, shard = store / "manifest.json", store / "words.parquet", store / "shards" / "00000.safetensors"
    whole = {path: path.read_bytes() for path in (manifest, words, shard)}
    content = json.loads(unsealed(manifest))
    loose = {key: value for key, value in content.items() if key != "words"}  # with no digest of words.parquet

    def on(path: Path, *, manifest_too: bytes | None = None) -> Read:
        def reading(data: bytes) -> object:
            try:
                path.write_bytes(data)
                if manifest_too is not None:
                    manifest.write_bytes(manifest_too)
                opened = ns.open_store(store)
                split = opened.split("train")
                return repr(opened), split.neurons, split.xy("pos")
            finally:
                path.write_bytes(whole[path])
                manifest.write_bytes(whole[manifest])

        return reading

    return {
        "store-manifest": Reader((unsealed(manifest), whole[manifest]), on(manifest), json=True),
        "words": Reader((whole[words],), on(words, manifest_too=json.dumps(loose).encode())),
        "shard": Reader((whole[shard],), on(shard)),
    }


def _models(folder: Path) -> dict[str, Reader]:
    from neurosieve.models.load import load_model, model_size

    options = {
        "lstm": {
            "projection_dim": 4,
            "n_layers": 1,
            "dim": 6,
            "use_skip_connections": True,
            "cell_clip": 3,
            "proj_clip": 3,
        },
        "char_cnn": {
            "embedding": {"dim": 4},
            "filters": [[1, 4], [2, 4]],
            "n_highway": 1,
            "activation": "relu",
            "n_characters": 261,
            "max_characters_per_token": 50,
        },
    }
    elmo = folder / "elmo"
    elmo.mkdir(exist_ok=True)
    options_file, weights_file = elmo / "options.json", elmo / "weights.hdf5"
    weights = _elmo_weights(weights_file)
    options_file.write_bytes(json.dumps(options).encode())

    def of_elmo(path: Path, original: bytes) -> Read:
        def reading(data: bytes) -> object:
            path.write_bytes(data)
            try:
                return model_size(elmo), load_model(elmo, device="cpu", self_test=False)
            finally:
                path.write_bytes(original)

        return reading

    def archive(data: bytes) -> object:
        path = folder / "model.tar.gz"
        path.write_bytes(data)
        return model_size(path), load_model(path, device="cpu", self_test=False)

    hugging = folder / "folder"
    hugging.mkdir(exist_ok=True)
    config = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 9}

    def size(data: bytes) -> object:
        (hugging / "config.json").write_bytes(data)
        return model_size(hugging)

    plain = json.dumps(options).encode()
    return {
        "elmo-options": Reader((plain,), of_elmo(options_file, plain), json=True),
        "elmo-weights": Reader((weights,), of_elmo(weights_file, weights)),
        "archive": Reader(tuple(_archives()), archive),
        "model-config": Reader((json.dumps(config).encode(),), size, json=True),
    }


def _elmo_weights(path: Path) -> bytes:
    """Random weights of the small ELMo whose options stand above."""
    import h5py
    import numpy as np

    shapes = {
        "char_embed": (261, 4),
        **{f"CNN/W_cnn_{i}": (1, i + 1, 4, 4) for i in range(2)},
        **{f"CNN/b_cnn_{i}": (4,) for i in range(2)},
        **{
            f"CNN_high_0/{kind}_{name}": (8, 8) if kind == "W" else (8,)
            for kind in "Wb"
            for name in ("transform", "carry")
        },
        "CNN_proj/W_proj": (8, 4),
        "CNN_proj/b_proj": (4,),
    }
    for direction in range(2):
        cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell0/LSTMCell"
        shapes |= {f"{cell}/W_0": (8, 24), f"{cell}/B": (24,), f"{cell}/W_P_0": (6, 4)}
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            file[name] = rng.normal(size=shape).astype(np.float32)
    return path.read_bytes()


def _archives() -> list[bytes]:
    """Archives, packed and plain; their config is that of a transformer ELMo, their weights are none."""
    encoder = {"type": "x", "embedding_dim": 4, "filters": [[1, 4]], "num_highway": 1, "projection_dim": 4}
    embedders = {"token_embedders": {"characters": {"type": "character_encoding", "encoder": encoder}}}
    contextualizer = {"type": "bidirectional_language_model_transformer", "hidden_dim": 8, "num_layers": 1}
    config = {"model": {"bidirectional": True, "contextualizer": contextualizer, "text_field_embedder": embedders}}
    made = []
    for mode in ("w:gz", "w"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
            for name, data in (("config.json", json.dumps(config).encode()), ("weights.th", b"PK\x03\x04 no weights")):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        made.append(buffer.getvalue())
    return made
