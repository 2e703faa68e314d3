"""Many hypotheses at once: false discovery rates of p-values and of e-values, and hypotheses that could not have been rejected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return q-values in the order given (Benjamini and Hochberg 1995): valid for independent or positively dependent p-values."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(p.size, 0, -1)
    q = np.empty_like(p)
    q[order] = np.minimum.accumulate(np.minimum(p[order] * (p.size / ranks), 1.0))
    return [float(value) for value in q]


def e_benjamini_hochberg(e_values: Sequence[float]) -> list[float]:
    """Return q-values of e-values (Wang and Ramdas 2022): valid however the e-values depend on each other."""
    e = np.asarray(e_values, dtype=float)
    return benjamini_hochberg(np.divide(1.0, e, out=np.full_like(e, np.inf), where=e > 0).tolist())


def q_values(p_values: Sequence[float], attainable: Sequence[float], alpha: float) -> list[float | None]:
    """Return q-values over the hypotheses that could have reached `alpha`; None for the others, which say nothing.

    A smallest attainable p above `alpha` depends on the margins alone, so that leaving such hypotheses out is decided before their
    outcome is seen (Tarone 1990; Gilbert 2005).
    """
    able = [index for index, least in enumerate(attainable) if least <= alpha]
    found = dict(zip(able, benjamini_hochberg([p_values[index] for index in able]), strict=True))
    return [found.get(index) for index in range(len(p_values))]
