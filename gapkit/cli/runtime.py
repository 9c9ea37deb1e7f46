"""What a process may set that a library may not: threads."""

from __future__ import annotations


def limit_threads(threads: int) -> None:
    """Let torch and the BLAS of numpy use `threads` processor threads.

    Two threads a core are far slower than one: the libraries wait for each other.
    """
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(threads)
    threadpool_limits(threads)
