"""How large a model's activations will be, from its configuration alone: no weights are read and none downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurosieve.models.families import family_of
from neurosieve.models.options import LoadOptions


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
        If the configuration cannot be read or does not tell, or the family has not such an option.
    """
    family, place = family_of(name_or_path)
    options = LoadOptions(site=site, revision=revision, trust_remote_code=trust_remote_code)
    family.require(options)
    return family.size(place, options)
