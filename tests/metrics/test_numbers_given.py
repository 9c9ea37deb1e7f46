"""What is no whole number, where one is meant, is refused in one line by every metric of the package."""

import inspect

import numpy as np
import pytest
import torch

from gapkit import metrics
from gapkit.errors import InputError
from gapkit.given import memory_limit, whole

RNG = np.random.default_rng(0)
SOURCE, TARGET = (RNG.standard_normal((200, 6)).astype(np.float32) for _ in range(2))
COUNTS = (
    "k", "seed", "n_resamples", "n_projections", "n_features", "n_permutations", "n_draws", "hidden", "rounds",
    "group_size", "max_memory",
)  # fmt: skip
FIRST = ("source", "target")
SEEDLESS = {"cka_rbf"}
"""Draw only from more rows than these."""


def cases() -> list[tuple[str, str]]:
    found = []
    for name, function in sorted(vars(metrics).items()):
        if inspect.isfunction(function):
            parameters = list(inspect.signature(function).parameters)
            required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
            if tuple(parameters[:2]) == FIRST and all(p.name in FIRST for p in required):
                found += [
                    (name, own) for own in parameters if own in COUNTS and not (own == "seed" and name in SEEDLESS)
                ]
    return found


def test_there_is_something_to_hold_to_it() -> None:
    assert len(cases()) > 50


@pytest.mark.parametrize("wrong", [0.5, "many", True])
@pytest.mark.parametrize(("name", "parameter"), cases())
def test_no_whole_number(name: str, parameter: str, wrong: object) -> None:
    kind = "number of bytes" if parameter == "max_memory" else "whole number"
    with pytest.raises(InputError, match=f"{parameter}: expected a {kind}.*got {wrong!r}"):
        getattr(metrics, name)(SOURCE, TARGET, **{parameter: wrong})


def test_integers_of_other_libraries() -> None:
    assert whole("k", np.int32(3)) == whole("k", torch.tensor(3)) == 3
    assert metrics.recall_at_k(SOURCE, TARGET, k=np.int64(3)) == metrics.recall_at_k(SOURCE, TARGET, k=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("least", "most", "says"), [(2, None, "of at least 2"), (None, None, "number,"), (0, 4, "in 0..4")]
)
def test_bounds(least: int | None, most: int | None, says: str) -> None:
    wrong = 2.0 if least is None else least - 1 if most is None else most + 1
    with pytest.raises(InputError, match=says):
        whole("k", wrong, least, most)


@pytest.mark.parametrize("wrong", [0, -1.0, float("inf"), float("nan"), "2e9", True])
def test_bytes(wrong: object) -> None:
    with pytest.raises(InputError, match="max_memory: expected a number of bytes"):
        memory_limit(wrong)
    assert metrics.mmd(SOURCE, TARGET, max_memory=1e9) == metrics.mmd(SOURCE, TARGET, max_memory=10**9)  # type: ignore[arg-type]
