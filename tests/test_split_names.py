import pytest

from gapkit.split_names import NAMES, Role, split_named

EVERY = [(role, word) for role, words in NAMES.items() for word in words]


@pytest.mark.parametrize(("role", "word"), EVERY)
def test_the_default_stands_for_each_published_name_of_its_role(role: Role, word: str) -> None:
    assert split_named(role, NAMES[role][0], ["other", word]) == word
    assert split_named(role, NAMES[role][0], ["other", word.upper()]) == word.upper()


@pytest.mark.parametrize(
    ("role", "asked", "here", "meant"),
    [
        ("test", "test", ["test", "evaluation"], "test"),
        ("test", "test", ["eval", "evaluation"], "test"),  # two: neither is meant for sure
        ("test", "test", ["dev", "holdout"], "test"),
        ("fit", "train", ["dev", "eval"], "train"),  # dev fits in one field and validates in another
        ("test", "evaluation", ["eval"], "evaluation"),  # asked for by its name: nothing else is meant
    ],
)
def test_nothing_is_guessed(role: Role, asked: str, here: list[str], meant: str) -> None:
    assert split_named(role, asked, here) == meant
