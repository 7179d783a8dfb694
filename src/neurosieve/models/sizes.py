"""How large a model's activations will be, from its configuration alone: no weights are read and none downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosieve.errors import ModelError


@dataclass(frozen=True)
class ModelSize:
    """Size of a model.

    Attributes
    ----------
    widths : tuple of int
        Neurons of each layer.
    n_weights : int
        Weights that a forward pass multiplies by, about; embeddings are left out where they are known.
    """

    widths: tuple[int, ...]
    n_weights: int

    @property
    def n_neurons(self) -> int:
        """Neurons of all layers."""
        return sum(self.widths)


def model_size(
    name_or_path: str | Path, *, site: str = "residual", revision: str | None = None, trust_remote_code: bool = False
) -> ModelSize:
    """Read a model's size off its configuration.

    Parameters
    ----------
    name_or_path : str or Path
        As in `neurosieve.models.load.load_model`; of a hub model only the configuration is fetched.
    site : str
    revision : str, optional
    trust_remote_code : bool

    Raises
    ------
    ModelError
        If the configuration cannot be read or does not tell.
    """
    from neurosieve.models.load import _family

    path = Path(name_or_path).expanduser()
    family = _family(name_or_path, needs_weights=False)
    if family == "elmo":
        from neurosieve.models.elmo.lstm import _read_options

        options = _read_options(next(path.glob("*options.json")))
        return _characters(options.get("lstm", {}), "n_layers", options.get("lstm", {}), path, "*weights.hdf5")
    if family == "transformer-elmo":
        from neurosieve.models.elmo.archive import read_members
        from neurosieve.models.elmo.transformer import _read_config

        config = _read_config(read_members(path, ("config.json",))["config.json"], where=path.name)
        model = config.get("model", {})
        embedders = model.get("text_field_embedder", {})
        encoders = [e["encoder"] for e in embedders.get("token_embedders", embedders).values() if "encoder" in e]
        return _characters(
            model.get("contextualizer", {}), "num_layers", encoders[0] if encoders else {}, path.parent, path.name
        )
    return _huggingface(
        str(path) if path.exists() else str(name_or_path),
        site=site,
        where={"revision": revision or "main", "trust_remote_code": trust_remote_code},
    )


def _characters(
    network: Mapping[str, Any], key: str, encoder: Mapping[str, Any], folder: Path, weights: str
) -> ModelSize:
    try:
        n_layers, width = int(network[key]) + 1, 2 * int(encoder["projection_dim"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"'{folder}': its options do not say how many layers of which width it has") from error
    size = sum(file.stat().st_size for file in folder.glob(weights))
    return ModelSize((width,) * n_layers, n_weights=size // 4)  # float32


def _huggingface(name: str, *, site: str, where: Mapping[str, Any]) -> ModelSize:
    import torch
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(name, **where)
        with torch.device("meta"):  # shapes without numbers
            network: Any = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever the loading library raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the configuration of '{name}' cannot be read ({reason})") from error
    embeddings = sum(m.weight.numel() for m in network.modules() if isinstance(m, torch.nn.Embedding))
    n_weights = max(1, sum(p.numel() for p in network.parameters()) - embeddings)
    if site != "residual":
        return ModelSize(_site_widths(network, site, config), n_weights)
    text = config.get_text_config()
    width, depth = getattr(text, "hidden_size", None), getattr(text, "num_hidden_layers", None)
    if not isinstance(width, int) or not isinstance(depth, int):
        raise ModelError(f"the configuration of '{name}' does not say how many layers of which width it has")
    depths = [depth]
    if config.is_encoder_decoder:  # both sides are read
        depths.append(
            int(getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", None) or depth)
        )
    return ModelSize((width,) * sum(depth + 1 for depth in depths), n_weights)


def _site_widths(network: Any, site: str, config: Any) -> tuple[int, ...]:  # noqa: ANN401 (transformers' own classes)
    from neurosieve.models.huggingface.sites import _matching_modules, parse_site

    found = parse_site(site, config.model_type)
    if config.model_type == "xlnet" and site in ("attention", "heads"):
        return (int(config.d_model),) * int(config.n_layer)
    widths = []
    for name, module in _matching_modules(network, found.pattern).items():
        shape = getattr(getattr(module, "weight", None), "shape", ())
        if len(shape) != 2:
            raise ModelError(f"the width of {name} at the site {site!r} cannot be told from its weights")
        swapped = type(module).__name__ == "Conv1D"  # which keeps its weights the other way round
        widths.append(int(shape[(found.end == "in") != swapped]))
    return tuple(widths)
