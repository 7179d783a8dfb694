"""Options that ``run`` and ``extract`` share: which model, which text, and where to."""

from __future__ import annotations

import typer

OUT = typer.Option(..., "--out", "-o", help="The run's folder; made if it does not exist.", metavar="DIR")
RANKINGS = typer.Option(
    ["weight-mass"],
    "--ranking",
    help="weight-mass, or another such as probeless or auroc; repeatable.",
    metavar="NAME",
)
RANKING = typer.Option(
    None, "--ranking", help="Method that ranks the neurons; by default the first that the run names.", metavar="NAME"
)
NAME = typer.Option(None, "--name", help="What tables and folders call the model.", metavar="NAME")
CORPUS_NAME = typer.Option(None, "--corpus-name", help="What folders call the corpus.", metavar="NAME")
FORMAT = typer.Option(None, "--format", help="Format of the corpus, such as conllu; else recognised.", metavar="NAME")
COLUMNS = typer.Option(
    None, "--columns", help="Names of the columns of files without a header, such as word,pos,chunk.", metavar="NAMES"
)
POOLING = typer.Option(
    "last", "--pooling", help="Which sub-word stands for its word: last, first, or their mean.", metavar="HOW"
)
SITE = typer.Option(
    "residual", "--site", help="What to read in each block: residual, mlp, attention or heads.", metavar="SITE"
)
SITES = typer.Option(
    ["residual"],
    "--site",
    help="What to read in each block: residual, mlp, attention or heads; repeatable, each is a model of its own.",
    metavar="SITE",
)
LAYERS = typer.Option(
    None, "--layers", help="Layers to read, such as 0,3,-1 or L0,L3; all by default.", metavar="LAYERS"
)
REVISION = typer.Option(None, "--revision", help="Branch, tag or commit of a hub model.", metavar="REV")
DEVICE = typer.Option(
    None,
    "--device",
    help="Where the model computes: cpu or cuda; a GPU by default, where there is one.",
    metavar="NAME",
)
DTYPE = typer.Option(
    "float32", "--dtype", help="In which the model computes: float32, float64, float16 or bfloat16.", metavar="TYPE"
)
UNIT = typer.Option(
    "word", "--unit", help="What the properties label: word, or sentence (one vector a sentence).", metavar="UNIT"
)
SENTENCE_VECTOR = typer.Option(
    None,
    "--sentence-vector",
    help="Vector of a sentence: mean of its words (default), first or last word, or special token.",
    metavar="HOW",
)
NUMERIC = typer.Option(
    [], "--numeric", help="Property whose labels are numbers, to be probed as real values; repeatable.", metavar="NAME"
)
DEV_FRACTION = typer.Option(
    None, "--dev-fraction", help="Share of sentences for dev, where no file gives it.", metavar="SHARE"
)
TEST_FRACTION = typer.Option(
    None, "--test-fraction", help="Share of sentences for test, where no file gives it.", metavar="SHARE"
)
UNTRAINED = typer.Option(
    None, "--untrained", help="Study the model's untrained twin: fresh weights from this seed.", metavar="SEED"
)
