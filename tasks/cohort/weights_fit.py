"""Whether a file of weights loads into its network: found out once, before anything is decoded.

That needs torch, and a process in which torch has computed must not be forked, so a child does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seizures.processes.serving import Reporter, Work

Request = tuple[str, str | None, str | None]


def fit_fault(network: str, weights: str | None, weights_dir: str | None) -> str:
    """Return what keeps weights from being loaded into a network; nothing where they fit.

    Raises:
        TransientError: somebody killed the child, or it did not start.
        SoftwareError: this software or its installation is at fault.

    """
    from seizures.processes.child import Child, ChildError

    name = weights or f"the public weights of {network}"
    with Child(load, name="process that loads the weights", input_kind="file of weights") as child:
        try:
            return str(child.call((network, weights, weights_dir), name))
        except ChildError as error:
            return f"Cannot read the weights {name}: the process that loads them {error}"


def load() -> Work:
    """Return what the child does."""
    import models.checkpoints

    assert models.checkpoints
    return _fault


def _fault(request: Request, _: Reporter) -> str:
    import models

    try:
        models.load_network(*request)
    except models.ModelsError as error:
        return str(error)
    return ""
