"""What each operation must spend, and the time below which it cannot come on a machine with given ceilings.

The formulas are explained in README.md. Sizes: `words` n, `neurons` d, `labels` c, `probes` p, `batch` b.
"""

from __future__ import annotations

from dataclasses import dataclass

FLOAT = 4  # bytes of float32


@dataclass(frozen=True)
class Cost:
    """Floating-point operations of the products, bytes to and from memory, and values to sort."""

    flops: float = 0.0
    bytes: float = 0.0
    sorted: float = 0.0

    def floor(self, ceilings: dict[str, float], *, dtype: str = "float32") -> float:
        """Seconds at the ceilings, one phase after the other."""
        return (
            self.flops / ceilings[f"product_{dtype}"] + self.bytes / ceilings["copy"] + self.sorted / ceilings["sort"]
        )


def fit(
    *, words: int, neurons: int, labels: int, probes: int, epochs: int = 1, batch: int = 512, stored: int = 2
) -> Cost:
    """Adam for a group of probes that share one pass over float16 activations (`stored` bytes each)."""
    weights = probes * labels * neurons
    steps = epochs * -(-words // batch)
    flops = 2 * 2.0 * words * weights * epochs  # logits and gradients
    state = 6.0 * FLOAT * weights * steps  # weights and two moments, read and written once a step
    rows = epochs * words * neurons * (stored + FLOAT)  # gathered as stored, written as float32
    return Cost(flops, state + rows)


def score(*, words: int, weights: int, neurons: int, stored: int = 2) -> Cost:
    """Predictions of probes with `weights` weights in all, in one pass over the words."""
    return Cost(2.0 * words * weights, float(words * neurons * (stored + FLOAT)))


def rank(*, labels: int, neurons: int) -> Cost:
    """One sort a label; weights read, keys (float64) written."""
    return Cost(bytes=float(labels * neurons * (FLOAT + 8)), sorted=float(labels * neurons))


def transformer(
    *, tokens: int, lengths_squared: int, layers: int, width: int, inner: int, words: int, stored: int = 2
) -> Cost:
    """Forward pass of an encoder over unpadded sentences, and one vector a word and layer (embeddings too) written.

    `lengths_squared` is the sum of the squares of the sentences' lengths, for the two products of attention.
    """
    blocks = 2.0 * tokens * layers * (4 * width * width + 2 * width * inner)
    attention = 4.0 * lengths_squared * layers * width
    return Cost(blocks + attention, float(words * (layers + 1) * width * (FLOAT + stored)))
