"""Programs that speak what Java, SPICE and aac-metrics speak, so that their failures can be had at will."""

from __future__ import annotations

import sys
from pathlib import Path

JAVA = """
import json, sys
arguments = sys.argv[1:]
DIES_AFTER = {dies_after}
if "edu.stanford.nlp.process.PTBTokenizer" in arguments:
    lines = sys.stdin.buffer.read().decode("utf-8").split("\\n")[:-1]
    for line in lines[: {tokenizer_dies_after}]:
        sys.stdout.buffer.write((line.lower().replace(".", " .") + "\\n").encode("utf-8"))
    sys.exit(0 if len(lines) <= {tokenizer_dies_after} else 137)
if "-stdio" in arguments:
    answered = 0
    for line in sys.stdin.buffer:
        parts = line.decode("utf-8").rstrip("\\n").split(" ||| ")
        if parts[0] == "SCORE":
            if answered >= DIES_AFTER:
                sys.stderr.write("java.lang.OutOfMemoryError: Java heap space\\n")
                sys.exit(3)
            answered += 1
            said = parts[-1].split()
            hit = max(len(set(said) & set(reference.split())) for reference in parts[1:-1])
            answer = [" ".join(map(str, [float(len(said)), float(hit)] + [0.0] * 21))]
        else:
            counts = [list(map(float, part.split())) for part in parts[1:]]
            total = [sum(column) for column in zip(*counts)]
            answer = [str(row[1] / max(row[0], 1.0)) for row in [*counts, total]]
        sys.stdout.write("".join(a + "\\n" for a in answer))
        sys.stdout.flush()
elif "edu.anu.spice.SpiceScorer" in arguments:
    place = arguments.index("edu.anu.spice.SpiceScorer")
    clips = json.load(open(arguments[place + 1], encoding="utf-8"))
    told = arguments[arguments.index("-out") + 1]
    scores = [{{"image_id": c["image_id"], "scores": {{"All": {{"f": len(c["test"].split()) / 10}}}}}} for c in clips]
    json.dump(scores[::-1], open(told, "w"))
"""

AAC = """
def evaluate(candidates, references, preprocess, metrics, java_path, device):
    assert preprocess is False
    (name,) = metrics
    if name in {fails!r}:
        raise RuntimeError("no weights of " + name)
    values = [float(len(c.split())) + len(r) / 10 for c, r in zip(candidates, references)]
    return {{name: sum(values) / len(values) + 1}}, {{name: values}}
"""


def program(path: Path, code: str) -> Path:
    """An executable that runs `code` with this Python."""
    path.write_text(f"#!{sys.executable} -S\n{code}", encoding="utf-8")
    path.chmod(0o755)
    return path


def fake_java(folder: Path, *, dies_after: int = 10**9, tokenizer_dies_after: int = 10**9) -> Path:
    """A `java` whose METEOR counts common words, and stops after so many captions."""
    return program(folder / "java", JAVA.format(dies_after=dies_after, tokenizer_dies_after=tokenizer_dies_after))


def fake_aac(folder: Path, *, fails: tuple[str, ...] = ()) -> Path:
    """A `python` whose environment has an aac-metrics that counts words."""
    home = folder / "aac"
    for name in ("aac_metrics", "aac_metrics/functional", "aac_metrics/utils", "aac_metrics-9.9.dist-info"):
        (home / name).mkdir(parents=True)
    for name in ("aac_metrics", "aac_metrics/functional", "aac_metrics/utils"):
        (home / name / "__init__.py").write_text("")
    (home / "aac_metrics/functional/evaluate.py").write_text(AAC.format(fails=fails))
    (home / "aac_metrics/utils/tokenization.py").write_text(
        "def preprocess_mono_sents(texts, java_path):\n    return [t.lower() for t in texts]\n"
        "def preprocess_mult_sents(texts, java_path):\n    return [[t.lower() for t in said] for said in texts]\n"
    )
    (home / "aac_metrics-9.9.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: aac-metrics\nVersion: 9.9\n")
    code = (
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(home)!r})\n"
        "assert sys.argv[1] == '-I'\n"
        "sys.argv = sys.argv[2:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    return program(folder / "python", code)
