"""Step 4b: five differently worded English captions of a scene."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from soundscapes.concepts import Concept
from soundscapes.scenes import Event, Scene, generator

CAPTIONS = 5
KEPT = {"train": 2}
"""Captions that are embedded, where not all: the file must stay small. Which of the five is drawn for each clip."""

CLAUSES = {
    "single": ["{a}"],
    "sequence": [
        "{a}, then {b}",
        "{a} and afterwards {b}",
        "first {a}, and then {b}",
        "{a} before {b}",
        "{a}; after that {b}",
    ],
    "together": ["{a} while {b}", "{a} and at the same time {b}", "{a} as {b}", "{b} while {a}"],
    "over": ["{a} while {b}", "{a} as {b} in the background", "{b}, and meanwhile {a}", "while {b}, {a}"],
    "sequence of three": [
        "{a}, then {b}, and finally {c}",
        "first {a}, then {b}, then {c}",
        "{a}, {b}, and at last {c}",
    ],
    "two over": ["{a} and then {b} while {c}", "while {c}, {a}, then {b}", "{c}; meanwhile {a} and later {b}"],
    "together, then": [
        "{a} while {b}, and then {c}",
        "{a} and {b} together, before {c}",
        "{b} as {a}; afterwards {c}",
    ],
}
NOUNS = {
    "single": ["{a}", "{a} can be heard", "there is {a}", "a recording of {a}"],
    "sequence": ["{a} followed by {b}", "{a} and then {b}", "{b} after {a}", "{a} comes before {b}"],
    "together": [
        "{a} together with {b}",
        "{a} mixed with {b}",
        "{a} and {b} at the same time",
        "{b} along with {a}",
    ],
    "over": ["{a} over {b}", "{a} with {b} in the background", "{b} behind {a}", "{a} against {b}"],
    "sequence of three": [
        "{a}, {b} and {c}, one after another",
        "{a} followed by {b} and at last {c}",
        "{a}, then {b}, then {c}",
    ],
    "two over": [
        "{a} followed by {b}, with {c} in the background",
        "{a}, then {b}, over {c}",
        "{c} behind {a} and then {b}",
    ],
    "together, then": [
        "{a} together with {b}, followed by {c}",
        "{a} mixed with {b}, and then {c}",
        "{c} after {a} and {b} at once",
    ],
}
"""The same for clauses ("a dog barks") and for noun phrases ("a barking dog")."""

DISTANCES = {
    "far": ["in the distance", "far away", "faintly from afar", "a long way off"],
    "near": ["close by", "up close", "very near", "right in front of the microphone"],
    "plain": [],
}
ROOMS = {
    "small": ["in a small room", "indoors in a small room", "inside a chamber"],
    "hall": ["in a large hall", "in a big echoing hall", "with the echo of a large hall"],
    "cave": ["in a deep cave", "with long echoes as in a cave", "in a cavernous space"],
    "none": [],
}
NOISES = {
    "hiss": ["with a faint hiss", "over background hiss", "with hissing noise behind it"],
    "static": ["with soft static", "over quiet static noise", "with static in the recording"],
    "rumble": ["with a low rumble in the background", "over a deep rumbling noise", "with a dull rumble underneath"],
    "none": [],
}
TIMES = {2: ["twice", "two times"], 3: ["three times", "thrice"], 4: ["four times", "again and again"]}

STYLES = [("clause", 0.9), ("noun", 0.7), ("clause first", 0.8), ("noun", 0.4), ("clause", 0.2)]
"""Of the five captions: what they are made of and how often they tell of distance, room and noise."""


def captions(scene: Scene, concepts: Mapping[str, Concept]) -> list[str]:
    """Five different captions, the first telling nearly everything, the last little more than the sounds."""
    rng = generator(scene.split, scene.index, 1)
    made: list[str] = []
    for wanted, telling in STYLES:
        style, detail = wanted, telling
        for _ in range(20):
            caption = _caption(rng, scene, concepts, style, detail)
            if caption not in made:
                break
            # A single plain sound has few wordings: tell more of it, or say it in the other form.
            style, detail = ("noun" if style == "clause" else "clause"), 1.0
        made.append(caption)
    return made


def kept(scene: Scene, concepts: Mapping[str, Concept]) -> list[str]:
    """The captions of a scene that the set holds, all five except where `KEPT` says fewer."""
    five = captions(scene, concepts)
    count = KEPT.get(scene.split, CAPTIONS)
    chosen = sorted(generator(scene.split, scene.index, 3).choice(CAPTIONS, size=count, replace=False).tolist())
    return [five[i] for i in chosen]


def _caption(rng: np.random.Generator, scene: Scene, concepts: Mapping[str, Concept], style: str, detail: float) -> str:
    noun = style == "noun"
    parts = [_event(rng, event, concepts[event.concept], noun, detail) for event in scene.events]
    template = _pick(rng, (NOUNS if noun else CLAUSES)[scene.arrangement])
    text = template.format(**dict(zip("abc", parts, strict=False)))
    room, noise = (_pick(rng, table[kind]) if rng.random() < detail else "" for table, kind in _around(scene))
    if style == "clause first" and room:
        text = f"{room}, {text}"
    elif room:
        text = f"{text} {room}" if scene.arrangement == "single" else f"{text}, {room}"
    if noise:
        text = f"{text}, {noise}"
    text = text.replace(",,", ",").rstrip(",")  # the comma that closes an inserted "heard twice"
    return f"{text[0].upper()}{text[1:]}."


def _around(scene: Scene) -> list[tuple[Mapping[str, list[str]], str]]:
    return [(ROOMS, scene.room), (NOISES, scene.noise)]


def _event(rng: np.random.Generator, event: Event, concept: Concept, noun: bool, detail: float) -> str:
    text = _pick(rng, concept.named if noun else concept.said)
    if event.times > 1 and rng.random() < max(detail, 0.5):
        times = _pick(rng, TIMES[event.times])
        text = f"{text}, heard {times}," if noun else f"{text} {times}"
    if event.distance != "plain" and rng.random() < detail:
        text = f"{text} {_pick(rng, DISTANCES[event.distance])}"
    return text


def _pick(rng: np.random.Generator, options: list[str] | tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))] if options else ""
