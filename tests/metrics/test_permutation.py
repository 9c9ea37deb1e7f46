import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from gapkit.errors import InputError
from gapkit.metrics import energy_distance, mmd, mmd_imq, permutation_test
from gapkit.metrics.bandwidth import FACTORS, median_bandwidth
from gapkit.metrics.permutation import STATISTICS

METRICS = {
    "mmd": lambda x, y, **o: mmd(x, y, bandwidth=2.0, **o),
    "mmd-multi": lambda x, y, **o: mmd(x, y, bandwidths=[2.0 * f for f in FACTORS], **o),
    "mmd-imq": lambda x, y, **o: mmd_imq(x, y, bandwidth=2.0, **o),
    "energy-distance": energy_distance,
}


@pytest.mark.parametrize("statistic", STATISTICS)
def test_one_product_equals_a_loop_over_swaps(single, statistic):
    x, y = single.source, single.target
    found = permutation_test(x, y, statistic=statistic, bandwidth=2.0, n_permutations=30, seed=3)
    swap = np.random.default_rng(3).integers(0, 2, size=(40, 30), dtype=np.int8).astype(bool)
    draws = []
    for b in range(30):
        s = swap[:, b, None]
        draws.append(METRICS[statistic](np.where(s, y, x), np.where(s, x, y), paired=True))
    value = METRICS[statistic](x, y, paired=True)
    assert found.value == pytest.approx(value, abs=2e-7)
    assert found.draws == pytest.approx(np.array(draws), abs=2e-7)
    assert found.p == (1 + sum(d >= value for d in draws)) / 31


@pytest.mark.parametrize("m", [40, 25])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_one_product_equals_a_loop_over_deals(single, statistic, m):
    x, y = single.source, single.target[:m]
    found = permutation_test(x, y, paired=False, statistic=statistic, bandwidth=2.0, n_permutations=30, seed=3)
    labels = np.zeros((30, 40 + m), dtype=np.float32)
    labels[:, :40] = 1
    np.random.default_rng(3).permuted(labels, axis=1, out=labels)
    pooled = np.concatenate([x, y])
    draws = [METRICS[statistic](pooled[row == 1], pooled[row == 0], paired=False) for row in labels]
    value = METRICS[statistic](x, y, paired=False)
    assert found.value == pytest.approx(value, abs=1e-6)
    assert found.draws == pytest.approx(np.array(draws), abs=1e-6)
    assert found.p == (1 + sum(d >= value for d in draws)) / 31


@pytest.mark.parametrize("paired", [True, False])
def test_blocks_of_the_kernel_do_not_matter(paired):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((150, 6)), rng.standard_normal((150, 6)) + 0.1
    whole = permutation_test(x, y, paired=paired, n_permutations=50)
    for memory in (1, 4 * 150 * 5 * 40):
        part = permutation_test(x, y, paired=paired, n_permutations=50, max_memory=memory)
        assert part.draws == pytest.approx(whole.draws, abs=1e-6)
        assert part.value == pytest.approx(whole.value, abs=1e-6)


def test_several_targets_swap_with_their_clip(several):
    p = several
    found = permutation_test(p.source, p.target, owner=p.owner, bandwidth=2.0, n_permutations=10, seed=1)
    assert found.value == pytest.approx(mmd(p.source, p.target, owner=p.owner, bandwidth=2.0), abs=1e-7)
    groups = [[p.source[c : c + 1], p.target[p.owner == c]] for c in range(30)]
    swap = np.random.default_rng(1).integers(0, 2, size=(30, 10), dtype=np.int8)

    def mean_kernel(a, b):
        return np.exp(-(cdist(a, b) ** 2) / 8).mean()

    for b in (0, 9):
        sides = [(g[s], g[1 - s]) for g, s in zip(groups, swap[:, b], strict=True)]
        total = 0.0
        for i, (xi, yi) in enumerate(sides):
            for j, (xj, yj) in enumerate(sides):
                if i != j:
                    total += mean_kernel(xi, xj) + mean_kernel(yi, yj) - mean_kernel(xi, yj) - mean_kernel(yi, xj)
        assert found.draws[b] == pytest.approx(total / (30 * 29), abs=1e-6)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("statistic", ["mmd", "energy-distance"])
def test_p_is_uniform_where_the_distributions_agree(paired, statistic):
    rng = np.random.default_rng(5)
    ps = []
    for seed in range(300):
        c = rng.standard_normal((24, 3)) if paired else 0.0
        x, y = (c + rng.standard_normal((24, 3)) for _ in range(2))
        ps.append(permutation_test(x, y, paired=paired, statistic=statistic, n_permutations=99, seed=seed).p)
    # Exact: p <= 0.05 in 5 % of 300 samples, give or take three standard errors of 1.3 %; p steps by 0.01.
    assert abs(np.mean(np.array(ps) <= 0.05) - 0.05) < 0.038
    assert abs(np.mean(np.array(ps) <= 0.5) - 0.5) < 0.087
    assert stats.kstest(np.array(ps) - 0.005, "uniform").pvalue > 0.01


@pytest.mark.parametrize("paired", [True, False])
def test_p_is_small_under_a_shift(paired):
    rng = np.random.default_rng(6)
    c = rng.standard_normal((100, 5))
    x, y = (c + rng.standard_normal((100, 5)) for _ in range(2))
    found = permutation_test(x + 0.5, y, paired=paired)
    assert found.p == 1 / 1001
    assert found.value > found.draws.max()
    # Pairs that share much: swapping sees a shift that dealing out anew does not.
    x, y = (2 * c + 0.1 * rng.standard_normal((100, 5)) for _ in range(2))
    assert permutation_test(x + 0.1, y).p < 0.01
    assert permutation_test(x + 0.1, y, paired=False).p > 0.5


def test_the_width_does_not_depend_on_the_labels(single):
    x, y = single.source, 3 * single.target
    usual = permutation_test(x, y, n_permutations=20)
    pooled = median_bandwidth(np.concatenate([x, y]))
    assert usual.value == permutation_test(x, y, n_permutations=20, bandwidth=pooled).value
    assert usual.value == pytest.approx(permutation_test(y, x, n_permutations=20).value, abs=1e-6)


def test_same_seed_and_equal_sides(single):
    x, y = single.source, single.target
    a, b, c = (permutation_test(x, y, n_permutations=40, seed=s).draws for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()
    for paired in (True, False):
        assert permutation_test(x, x, n_permutations=40).p == 1
        assert permutation_test(x, x, paired=paired, n_permutations=40).value == pytest.approx(
            mmd(x, x, paired=paired, bandwidth=median_bandwidth(np.concatenate([x, x]))), abs=1e-6
        )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"statistic": "frechet"}, "statistic: expected one of mmd"),
        ({"n_permutations": 0}, "n_permutations: expected a whole number of at least 1, got 0"),
        ({"bandwidth": 0.0}, "positive"),
        ({"bandwidth": "wide", "statistic": "mmd-multi"}, r"positive finite numbers, got \['wide'\]"),
        ({"owner": np.tile(np.arange(20), 2), "paired": False}, "one target a clip"),
    ],
)
def test_bad_options(single, options, says):
    with pytest.raises(InputError, match=says):
        permutation_test(single.source, single.target, **options)
    with pytest.raises(InputError, match="owner"):
        permutation_test(single.source, single.target[:10])
    with pytest.raises(InputError, match="source and target: the median distance"):
        permutation_test(np.ones((5, 2)), np.ones((5, 2)))
