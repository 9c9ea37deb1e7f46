from gapkit.page.words import question


def test_the_question_counts_the_bridges() -> None:
    assert question("x", 1000, ["ridge"], "caption").startswith(
        "How near does ridge bring 1,000 clips of x to their ca"
    )
    assert question("x", 5, [], "target") == "How far apart are 5 clips of x and their targets?"
    assert "each of 2 bridges" in question("x", 3, ["a", "b"], "target")
