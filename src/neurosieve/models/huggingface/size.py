"""The size of a Hugging Face model, from its configuration and a network of shapes without numbers."""

from __future__ import annotations

from typing import Any

import torch

from neurosieve.errors import ModelError
from neurosieve.models.families import Place
from neurosieve.models.huggingface.counts import require_possible
from neurosieve.models.huggingface.sites import matching_modules, parse_site
from neurosieve.models.options import LoadOptions
from neurosieve.models.sizes import ModelSize


def huggingface_size(place: Place, options: LoadOptions) -> ModelSize:
    """Read a model's size off its configuration; of a hub model only that is fetched.

    Parameters
    ----------
    place : Path or str
    options : LoadOptions
        Of which site, revision and trust_remote_code count.

    Raises
    ------
    ModelError
        If the configuration cannot be read or does not tell.
    """
    from transformers import AutoConfig, AutoModel

    name, where = str(place), {"revision": options.revision or "main", "trust_remote_code": options.trust_remote_code}
    try:
        require_possible(place, **where)
        config = AutoConfig.from_pretrained(name, **where)  # `where` has the revision  # nosec B615
        with torch.device("meta"):
            network: Any = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    except ModelError:
        raise
    except Exception as error:  # whatever the loading library raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the configuration of '{place}' cannot be read ({reason})") from error
    embeddings = sum(m.weight.numel() for m in network.modules() if isinstance(m, torch.nn.Embedding))
    n_weights = max(1, sum(p.numel() for p in network.parameters()) - embeddings)
    if options.site != "residual":
        return ModelSize(_site_widths(network, options.site, config), n_weights)
    text = config.get_text_config()
    width, depth = getattr(text, "hidden_size", None), getattr(text, "num_hidden_layers", None)
    if not isinstance(width, int) or not isinstance(depth, int) or width < 1 or depth < 0:
        raise ModelError(f"the configuration of '{place}' does not say how many layers of which width it has")
    depths = [depth]
    if config.is_encoder_decoder:  # both sides are read
        depths.append(
            int(getattr(config, "num_decoder_layers", None) or getattr(config, "decoder_layers", None) or depth)
        )
    return ModelSize((width,) * sum(depth + 1 for depth in depths), n_weights)


def _site_widths(network: Any, site: str, config: Any) -> tuple[int, ...]:  # noqa: ANN401 (transformers' own classes)
    found = parse_site(site, config.model_type)
    if config.model_type == "xlnet" and site in ("attention", "heads"):
        return (int(config.d_model),) * int(config.n_layer)
    widths = []
    for name, module in matching_modules(network, found.pattern).items():
        shape = getattr(getattr(module, "weight", None), "shape", ())
        if len(shape) != 2:
            raise ModelError(f"the width of {name} at the site {site!r} cannot be told from its weights")
        swapped = type(module).__name__ == "Conv1D"  # which keeps its weights the other way round
        widths.append(int(shape[(found.end == "in") != swapped]))
    return tuple(widths)
