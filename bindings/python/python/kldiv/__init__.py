"""The Kullback-Leibler divergence and its relatives: exact near zero, at the speed of memory.

>>> import kldiv
>>> round(kldiv.kl([0.5, 0.5], [0.7, 0.3]), 4)
0.0872

P comes first, Q second. Arrays are read where they lie, whatever their strides; results are in nats unless a base is
given. `kldiv.family` knows distributions by their parameters; `kldiv.torch`, imported by its name, has losses for
PyTorch; `kldiv.arrow`, `kldiv.spark` and `kldiv.dask` have divergences by key of data frames, on a cluster too.
"""

from . import family
from ._errors import KLDivError
from ._estimates import (
    Estimate,
    Integral,
    bin_edges,
    counts,
    histogram,
    knn,
    monte_carlo,
    monte_carlo_terms,
    quadrature,
)
from ._kldiv import Partial, Partials, __version__, active_isa
from ._measures import (
    cross_entropy,
    entropy,
    generalized,
    jeffreys,
    jensenshannon,
    js,
    kl,
    psi,
    renyi,
    reverse,
    terms,
)
from ._pairs import Explanation, Nearest, explain, nearest, pairwise
from ._training import (
    Gradients,
    LogitsGradients,
    TopKGradients,
    VAEGradients,
    logits,
    logits_grad,
    loss,
    loss_grad,
    topk,
    topk_grad,
    vae,
    vae_grad,
)

__all__ = [name for name in dir() if not name.startswith("_")] + ["__version__"]
