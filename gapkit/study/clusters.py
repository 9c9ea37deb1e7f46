"""The clusters that joblib hands cells to: Dask's and Ray's, a running one or one of this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from joblib import parallel_config, register_parallel_backend

from gapkit.errors import GapkitError, InputError

_LOCAL = {"threads_per_worker": 1, "dashboard_address": None}
"""A Dask cluster of this machine: processes, and no page that shows them."""


@contextmanager
def dask_cluster(shared: Any, processes: int | None) -> Iterator[int]:
    """Let joblib use Dask; gives the number of tasks that it runs at once.

    The client that is open in this process is used, or the scheduler that Dask's own configuration names
    (``DASK_SCHEDULER_ADDRESS``); without either a cluster of this machine lives as long as the block.

    Parameters
    ----------
    shared : object
        Goes once to each worker.
    processes : int or None
        None: all that there are.

    Raises
    ------
    InputError
        Dask is not installed.
    GapkitError
        Its scheduler is not reached.
    """
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError:
        raise InputError("backend 'dask': needs the package distributed; pip install 'gapkit[cluster]'") from None
    try:
        client, own = distributed.get_client(), None
    except ValueError:
        address = dask.config.get("scheduler-address", None)
        try:
            own = None if address else distributed.LocalCluster(**_LOCAL, n_workers=processes)
            client = distributed.Client(own or address)
        except OSError as error:
            raise GapkitError(f"backend 'dask': no scheduler reached at {address} ({error})") from None
    else:
        address = None
    try:
        threads = sum(client.nthreads().values())
        with parallel_config("dask", client=client, scatter=[shared]):
            yield min(threads, processes or threads)
    finally:
        if own is not None:
            client.close()
            own.close()
        elif address is not None:
            client.close()


@contextmanager
def ray_cluster(shared: Any, processes: int | None) -> Iterator[tuple[Any, int]]:
    """Let joblib use Ray; gives the reference of `shared` in its store and the number of tasks that it runs at once.

    The cluster that this process is connected to is used, or the one that ``RAY_ADDRESS`` names; without either one of
    this machine lives as long as the block.

    Parameters
    ----------
    shared : object
    processes : int or None
        None: all that there are.

    Raises
    ------
    InputError
        Ray is not installed.
    GapkitError
        Its head is not reached.
    """
    try:
        ray: Any = import_module("ray")
        backend: Any = import_module("ray.util.joblib.ray_backend")
    except ImportError:
        raise InputError("backend 'ray': needs the package ray; pip install 'gapkit[cluster]'") from None

    class AsTheyCome(backend.RayBackend):  # type: ignore[misc]
        """Gives results as they come, as every backend with callbacks can."""

        supports_return_generator = True

    own = not ray.is_initialized()
    if own:
        given = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": processes, "include_dashboard": False}
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **given)
        except (ConnectionError, OSError) as error:
            raise GapkitError(f"backend 'ray': no cluster reached ({error})") from None
    try:
        register_parallel_backend("ray", AsTheyCome)
        cpus = int(ray.cluster_resources().get("CPU", 1))
        with parallel_config("ray"):
            yield ray.put(shared), min(cpus, processes or cpus)
    finally:
        if own:
            ray.shutdown()
