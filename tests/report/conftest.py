import pandas as pd
import pytest

from gapkit.report import Column

NAN = float("nan")


@pytest.fixture
def columns() -> tuple[Column, ...]:
    return (
        Column("cosine", "Paired cosine", "closure", "higher", 1.0, (-1, 1)),
        Column("mmd", "MMD²", "closure", "lower", 0.0, (-2, 2), scale=1000.0, digits=1),
        Column("separability", "Separability", "closure", "lower", 0.5, (0, 1)),
        Column("spread", "50% of_spread", "preservation", "none"),
        Column("absent", "Absent", "preservation", "higher"),
    )


@pytest.fixture
def summary() -> pd.DataFrame:
    """Three rivals and an anchor that beats them all; a fourth that failed."""
    rows = []

    def add(bridge: str, block: str, **values: tuple[float, float, float]) -> None:
        rows.extend(
            {"bridge": bridge, "block": block, "metric": m, "value": v, "ci_low": low, "ci_high": high, "error": ""}
            for m, (v, low, high) in values.items()
        )

    add("oracle", "anchor", cosine=(1.0, 1.0, 1.0), mmd=(0.0, 0.0, 0.0), separability=(0.5, 0.5, 0.5))
    add("a_b", "unpaired", cosine=(0.8, 0.79, 0.81), mmd=(0.004, 0.003, 0.005), separability=(0.9, NAN, NAN))
    add("c|d", "paired", cosine=(0.80004, 0.79, 0.82), mmd=(-0.0004, -0.001, 0.0), separability=(0.48, 0.4, 0.5))
    add("e&f", "paired", cosine=(0.7, 0.6, 0.8), mmd=(0.05, 0.04, 0.06), separability=(0.55, 0.5, 0.6))
    rows += [
        {
            "bridge": bridge,
            "block": "paired",
            "metric": "spread",
            "value": v,
            "ci_low": NAN,
            "ci_high": NAN,
            "error": "",
        }
        for bridge, v in (("c|d", 1.0), ("e&f", 2.0))
    ]
    rows.append(
        {"bridge": "bad_one", "block": "paired", "metric": None, "value": NAN, "ci_low": NAN, "ci_high": NAN,
         "error": "failed: 100% of <rows> & more_of_it"}
    )  # fmt: skip
    return pd.DataFrame(rows)
