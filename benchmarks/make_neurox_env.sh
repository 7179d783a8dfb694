#!/bin/sh
# Make an environment of its own for NeuroX, next to this script or at the path given, so that the benchmarks can run it
# beside neurosieve with the same torch, numpy and transformers. NeuroX pins libraries of 2021 that no longer build; it is
# therefore installed without its dependencies, and what it imports is installed in the versions of constraints.txt.
#
#   benchmarks/make_neurox_env.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-"$here/.neurox-venv"}
"${PYTHON:-python3}" -m venv "$folder"
pip() { "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
pip -c "$here/../constraints.txt" torch==2.13.0
pip -c "$here/../constraints.txt" \
    numpy pandas transformers h5py scikit-learn scipy matplotlib tqdm joblib psutil imbalanced-learn seaborn svgwrite
pip --no-deps neurox==1.0.9
"$folder/bin/python" -W ignore -c "import neurox.data.extraction.transformers_extractor, neurox.interpretation.linear_probe"
echo "$folder is ready"
