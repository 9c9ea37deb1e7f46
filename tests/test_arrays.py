import numpy as np
import pandas as pd
import pytest
import torch

from gapkit.arrays import as_matrix, generator, like, unit_rows
from gapkit.errors import InputError

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    "values",
    [
        ROWS,
        np.array(ROWS),
        np.array(ROWS, dtype=np.float16),
        np.array(ROWS, dtype=np.dtype(">f8")),
        np.array(ROWS, dtype=np.int8),
        np.array(ROWS, dtype=np.uint16),
        np.array(ROWS)[::-1][::-1],
        np.asfortranarray(ROWS),
        torch.tensor(ROWS, dtype=torch.bfloat16),
        torch.tensor(ROWS, requires_grad=True),
        pd.DataFrame(ROWS),
    ],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_all_kinds_of_matrices_become_the_same_tensor(values):
    tensor = as_matrix(values, name="x")
    assert tensor.dtype == torch.float32
    assert not tensor.requires_grad
    assert tensor.tolist() == ROWS


def test_a_negative_stride_and_a_read_only_array_are_taken():
    array = np.array(ROWS, dtype=np.float32)
    array.flags.writeable = False
    assert as_matrix(array, name="x").tolist() == ROWS
    assert as_matrix(array[::-1], name="x").tolist() == ROWS[::-1]


def test_float32_is_shared_and_the_dtype_can_be_chosen():
    array = np.array(ROWS, dtype=np.float32)
    assert as_matrix(array, name="x").data_ptr() == array.ctypes.data
    assert as_matrix(array, name="x", dtype=torch.float64).dtype == torch.float64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(3), "expected a 2-D array"),
        (np.ones((2, 2, 2)), "expected a 2-D array"),
        (torch.ones(3), "expected a 2-D array"),
        (np.ones((2, 2)) * 1j, "complex128"),
        (torch.ones((2, 2), dtype=torch.complex64), "complex64"),
        (np.ones((2, 2), dtype=bool), "bool"),
        (torch.ones((2, 2), dtype=torch.bool), "bool"),
        (np.array([["a", "b"]]), "expected numbers"),
        (np.array([[object()]]), "expected numbers"),
        (np.empty((0, 2)), "at least one row"),
        (torch.empty((2, 0)), "at least one row"),
        (np.ones((2, 3)), "expected 2 features .* got 3"),
        ([[1.0, np.nan], [0.0, 1.0]], r"1 of 2 rows \(first: 0\)"),
        ([[1.0, 0.0], [0.0, np.inf], [-np.inf, 0]], r"2 of 3 rows \(first: 1, 2\)"),
        ([[np.inf, 0.0], [-np.inf, 0.0]], "2 of 2 rows"),
    ],
)
def test_what_is_no_finite_matrix_is_refused_in_one_line(values, message):
    with pytest.raises(InputError, match=message) as caught:
        as_matrix(values, name="my array", n_features=2)
    assert str(caught.value).startswith("my array: ")
    assert "\n" not in str(caught.value)


def test_large_finite_numbers_pass():
    assert as_matrix(np.full((4, 2), np.float32(3e38)), name="x").shape == (4, 2)


def test_like_gives_back_the_kind_that_came_in():
    result = torch.tensor(ROWS)
    assert like(result, np.ones(1, dtype=np.float64)).dtype == np.float64
    assert like(result, np.ones(1, dtype=np.float32)).dtype == np.float32
    assert like(result, np.ones(1, dtype=np.float16)).dtype == np.float32
    assert isinstance(like(result, ROWS), np.ndarray)
    assert like(result, torch.ones(1, dtype=torch.float64)).dtype == torch.float64
    assert like(result, torch.ones(1, dtype=torch.bfloat16)).dtype == torch.float32


def test_unit_rows_scales_rows_and_leaves_zero_rows():
    x = unit_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0], [3e-30, 4e-30], [3e38, 0.0]]))
    torch.testing.assert_close(x, torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.6, 0.8], [1.0, 0.0]]))


def test_the_gradient_of_unit_rows_is_that_of_the_formula():
    x = torch.randn((5, 4), generator=generator(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit_rows, x)


def test_a_generator_repeats_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = (torch.randn(4, generator=generator(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.randn(4, generator=generator(8)))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_stream_of_each_seed_has_numbers_of_its_own():
    streams = ("", "batches", "held-out noise")
    drawn = [
        torch.randn(4, generator=generator(seed, stream=stream)) for seed in (-1, *range(20)) for stream in streams
    ]
    assert len({tuple(numbers.tolist()) for numbers in drawn}) == 63
    again = torch.randn(4, generator=generator(7, stream="batches"))
    assert torch.equal(again, torch.randn(4, generator=generator(7, stream="batches")))
