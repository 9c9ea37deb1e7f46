# ruff: noqa: E402  # the builder is found by its folder and needs soundfile
import dataclasses
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gapkit.errors import GapkitError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analyses"))

soundfile = pytest.importorskip("soundfile", reason="the builder of soundscapes reads sounds with soundfile")

from soundscapes.captions import CAPTIONS, captions
from soundscapes.concepts import LEFT_OUT, label, labeller, read_concepts
from soundscapes.duplicates import fingerprint, groups, one_concept_each
from soundscapes.licences import licence_of, licence_rules
from soundscapes.recordings import RATE, Pool, Recording, decode, trimmed
from soundscapes.render import render
from soundscapes.scenes import LENGTHS, NOISES, ROOMS, Event, Scene, draw
from soundscapes.sources import extract
from soundscapes.splits import CORE, SHARES, UNSEEN, deal


def sweep(seconds, low, high, seed=0):
    """A sound with a shape of its own: a rising tone with a bit of noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (low * t + (high - low) * t**2 / (2 * seconds)))
    return (tone + 0.05 * np.random.default_rng(seed).standard_normal(len(t))).astype(np.float32)


def pool_of(waves, *, concepts=None, digests=None):
    samples = [np.round(wave / np.abs(wave).max() * 32767).astype(np.int16) for wave in waves]
    concepts = concepts or ["bell"] * len(waves)
    digests = digests or [str(i) for i in range(len(waves))]
    recordings = [
        Recording("0ad", f"{i}.ogg", "CC0", concepts[i], digests[i], round(len(wave) / RATE, 3))
        for i, wave in enumerate(waves)
    ]
    return Pool(recordings, np.concatenate([[0], np.cumsum([len(s) for s in samples])]), np.concatenate(samples))


# ---- sources and licences


@pytest.mark.parametrize("name", ["../evil.ogg", "/etc/evil.ogg", "a/../../evil.ogg", "..\\evil.ogg", "C:/evil.ogg"])
def test_a_member_that_leaves_its_folder_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good.ogg", b"x")
        archive.writestr(name, b"x")
    with pytest.raises(GapkitError, match="points outside its folder"):
        extract(tmp_path / "a.zip", tmp_path / "out" / "deep")
    assert not list(tmp_path.rglob("evil.ogg"))


def test_only_sounds_are_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("audio/a.ogg", "audio/b.WAV", "art/c.png"):
            archive.writestr(name, b"x")
    assert extract(tmp_path / "a.zip", tmp_path / "out") == 2
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == [
        "audio/a.ogg",
        "audio/b.WAV",
    ]


def test_the_last_stanza_that_fits_gives_the_licence():
    rules = licence_rules(
        "Format: x\n\nFiles: *\nLicense: GPL-2+\n\n"
        "Files:\n base/sound/a*.ogg\n base/sound/deep/*\nCopyright: Someone\n Else\nLicense: CC-BY-3.0\n text\n\n"
        "License: GPL-2+\n the text itself\n"
    )
    root = "usr/share/games/ufoai/base/0snd.pk3!/"
    assert licence_of(rules, "ufoai", root + "sound/abc.ogg") == "CC-BY-3.0"
    assert licence_of(rules, "ufoai", root + "sound/deep/er/x.ogg") == "CC-BY-3.0"
    assert licence_of(rules, "ufoai", root + "sound/b.ogg") == "GPL-2+"
    assert licence_of(rules[1:], "ufoai", root + "sound/b.ogg") is None
    assert licence_of([], "wesnoth", "anything") == "GPL-2+"


# ---- concepts


def test_every_concept_can_be_said_in_several_ways():
    concepts = read_concepts()
    assert 150 <= len(concepts) <= 300
    for name, concept in concepts.items():
        if name == LEFT_OUT:
            continue
        assert len(set(concept.said)) == len(concept.said) >= 2, name
        assert len(set(concept.named)) == len(concept.named) >= 2, name
        for phrase in (*concept.said, *concept.named):
            assert phrase == phrase.strip()
            assert phrase[0].islower()
            assert phrase[-1].isalpha()
    everything = [phrase for concept in concepts.values() for phrase in (*concept.said, *concept.named)]
    assert len(set(everything)) == len(everything), "one phrase for two kinds of sound"


@pytest.mark.parametrize(
    ("source", "path", "concept"),
    [
        ("0ad", "mods/audio/attack/weapon/swordhit_03.ogg", "sword-clash"),
        ("0ad", "mods/audio/actor/human/death/male_death_07.ogg", "man-death-cry"),
        ("0ad", "mods/audio/actor/fauna/death/death_horse_12.ogg", "horse-neigh"),
        ("megaglest", "techs/megapack/commondata/sounds/axe_thrower_attack3.wav", "axe-blow"),
        ("tuxpaint", "stamps/animals/mammals/cats/lion.ogg", "lion-roar"),
        ("tuxpaint", "stamps/animals/mammals/cats/lion_desc_fr.ogg", None),
        ("0ad", "mods/audio/voice/latin/civ/civ_male_attack_1.ogg", None),
        ("hedgewars", "Data/Sounds/voices/Pirate/Splash.ogg", None),
        ("widelands", "data/music/ingame_01.ogg", None),
    ],
)
def test_names_of_files_tell_the_concept(source, path, concept):
    assert label(labeller(read_concepts()), source, path) == concept


# ---- recordings and copies


def test_a_recording_is_read_at_its_rate_mixed_down_and_cut_to_its_sound(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    wave = np.concatenate([np.zeros(11_025), tone, np.zeros(11_025)])
    soundfile.write(tmp_path / "a.wav", np.stack([wave, wave], axis=1) * 0.25, 22_050)
    kept = trimmed(decode(tmp_path / "a.wav"))
    assert kept.dtype == np.int16
    assert len(kept) == pytest.approx(RATE, rel=0.01)
    assert np.abs(kept).max() == 32767
    assert np.argmax(np.abs(np.fft.rfft(kept))) * RATE / len(kept) == pytest.approx(440, abs=2)


def test_what_is_too_short_silent_or_no_sound_is_left_out(tmp_path):
    (tmp_path / "no.ogg").write_bytes(b"not a sound")
    assert trimmed(decode(tmp_path / "no.ogg")) is None
    assert trimmed(np.zeros(RATE, dtype=np.float32)) is None
    assert trimmed(sweep(0.1, 200, 400)) is None
    assert trimmed(np.full(RATE, 0.5, dtype=np.float32)) is None  # an offset is not a sound


def test_copies_are_found_whatever_their_gain_noise_or_tail_and_others_are_not():
    a, b = sweep(1.0, 300, 900), sweep(1.0, 2000, 500)
    faded = np.concatenate([a[: int(0.7 * RATE)] * np.linspace(1, 0.6, int(0.7 * RATE), dtype=np.float32), 0 * a[:99]])
    noisy = 0.2 * a + 1e-3 * np.random.default_rng(1).standard_normal(len(a)).astype(np.float32)
    number = groups(pool_of([a, noisy, b, faded, sweep(0.8, 300, 3000)]))
    assert number[0] == number[1] == number[3]
    assert len({number[0], number[2], number[4]}) == 3


def test_equal_bytes_are_one_group_and_groups_are_connected():
    waves = [sweep(0.4, low, 2 * low, seed) for seed, low in enumerate((200, 700, 2500))]
    number = groups(pool_of(waves, digests=["x", "y", "x"]))
    assert number[0] == number[2] != number[1]


def test_a_fingerprint_has_length_one_and_does_not_know_loudness():
    wave = sweep(0.6, 300, 900)
    assert np.linalg.norm(fingerprint(wave)) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(fingerprint(wave), fingerprint(wave * 0.1), atol=1e-5)


def test_a_sound_with_two_names_keeps_the_commoner():
    assert one_concept_each(["a", "b", "b", "c"], np.array([0, 0, 0, 1])) == ["b", "b", "b", "c"]


# ---- splits


@pytest.fixture(scope="module")
def dealt():
    rng = np.random.default_rng(5)
    concept_of, group = [], []
    for concept in range(60):
        for g in range(int(rng.integers(2, 30))):
            for _ in range(int(rng.integers(1, 4))):
                concept_of.append(f"c{concept:02d}")
                group.append(1000 * concept + g)
    content = [str(i) for i in range(len(group))]
    content[1] = content[0]
    beds = frozenset(f"c{i:02d}" for i in range(0, 60, 6))
    return concept_of, np.array(group), content, beds, deal(concept_of, np.array(group), content, beds=beds, seed=3)


def test_groups_stay_together_and_equal_files_are_used_once(dealt):
    _, group, content, _, split = dealt
    for g in np.unique(group):
        assert len({split[i] for i in np.flatnonzero(group == g) if split[i]}) <= 1
    assert split[1] == ""
    assert content[0] == content[1]
    assert split.count("") == 1


def test_large_concepts_are_everywhere_by_their_shares_and_small_ones_with_the_heads_alone(dealt):
    concept_of, group, _, beds, split = dealt
    held, shares = set(), {name: [0, 0] for name in SHARES}
    for concept in set(concept_of):
        rows = [i for i, c in enumerate(concept_of) if c == concept and split[i]]
        where = {split[i] for i in rows}
        size = len({group[i] for i in rows})
        if where == {"unseen"}:
            held.add(concept)
            assert size >= CORE
        elif size < CORE:
            assert where == {"encoder"}
        else:
            assert where == set(SHARES)
            for name in SHARES:
                shares[name][0] += len({group[i] for i in rows if split[i] == name})
                shares[name][1] += size
    assert len(held) == UNSEEN
    assert held & beds
    for name, (there, all_) in shares.items():
        assert there / all_ == pytest.approx(SHARES[name], abs=0.06)


def test_dealing_is_the_same_for_one_seed_and_another_for_another(dealt):
    *given, beds, split = dealt
    assert deal(*given, beds=beds, seed=3) == split
    assert deal(*given, beds=beds, seed=4) != split


# ---- scenes, captions, sound


CONCEPTS = read_concepts()
NAMES = ["bell", "door-open", "sword-clash", "rain", "engine", "cow-moo"]


def scene_of(split, index):
    choices = {name: [2 * i, 2 * i + 1] for i, name in enumerate(NAMES)}
    return draw(split, index, choices=choices, beds=frozenset({"rain", "engine"}), seconds=[0.3, 1.5, 6.0] * 4)


def test_scenes_stay_in_time_and_use_each_sound_once():
    seen = set()
    for index in range(400):
        scene = scene_of("val", index)
        seen.add((scene.arrangement, scene.room, scene.noise))
        assert scene.seconds == LENGTHS[len(scene.events)]
        assert len({event.concept for event in scene.events}) == len(scene.events)
        for event in scene.events:
            lasts = event.times * event.seconds + (event.times - 1) * event.gap
            assert 0 <= event.start < event.start + lasts <= scene.seconds + 1e-9
        if scene.arrangement in ("over", "two over"):
            assert scene.events[-1].concept in ("rain", "engine")
        if scene.arrangement.startswith("sequence"):
            ends = [e.start + e.times * e.seconds + (e.times - 1) * e.gap for e in scene.events]
            assert all(end <= nxt.start for end, nxt in zip(ends, scene.events[1:], strict=False))
    assert {room for _, room, _ in seen} == set(ROOMS)
    assert {noise for *_, noise in seen} == set(NOISES)


def test_a_clip_depends_on_its_split_and_number_alone():
    assert scene_of("test", 7) == scene_of("test", 7)
    assert scene_of("test", 7) != scene_of("val", 7)
    assert len({dataclasses.astuple(scene_of("test", i))[3:] for i in range(50)}) > 45


def test_five_captions_differ_and_read_as_sentences():
    for index in range(300):
        scene = scene_of("train", index)
        told = captions(scene, CONCEPTS)
        assert len(told) == len(set(told)) == CAPTIONS
        for caption in told:
            assert caption[0].isupper()
            assert caption.endswith(".")
            assert not any(bad in caption for bad in (",,", " ,", ",.", "  ", "{", "..", "_"))
            low = caption.lower()
            for event in scene.events:
                concept = CONCEPTS[event.concept]
                assert any(phrase in low for phrase in (*concept.said, *concept.named))
        assert told == captions(scene, CONCEPTS)


def test_captions_tell_order_distance_and_place():
    events = (
        Event(0, "bell", 0.1, 0.3, 1.0, 0.0, "far", 1, 0.1),
        Event(2, "cow-moo", 2.4, 1.0, 1.0, 0.0, "plain", 1, 0.1),
    )
    far = ("distance", "far away", "afar", "long way off")
    told = [
        captions(Scene("test", i, "sequence", LENGTHS[2], events, "cave", "none", 9.0), CONCEPTS) for i in range(40)
    ]
    full = [caption for five in told for caption in five[:1]]
    assert np.mean([any(word in caption for word in far) for caption in full]) > 0.7
    assert np.mean([any(word in caption for word in ("cave", "cavern")) for caption in full]) > 0.7
    for caption in full:
        bell = min(caption.lower().find(p) for p in CONCEPTS["bell"].said if p in caption.lower())
        cow = min(caption.lower().find(p) for p in CONCEPTS["cow-moo"].said if p in caption.lower())
        assert bell < cow


@pytest.fixture(scope="module")
def pool():
    return pool_of([sweep(s, 300 + 100 * i, 900 + 50 * i, i) for i, s in enumerate([0.3, 1.5, 6.0] * 4)])


def test_the_same_scene_is_the_same_sound_and_fills_its_time(pool):
    for index in range(12):
        scene = scene_of("test", index)
        wave = render(scene, pool)
        assert wave.dtype == np.float32
        assert len(wave) == round(scene.seconds * RATE)
        assert np.abs(wave).max() == pytest.approx(0.9, abs=1e-4)
        assert np.array_equal(wave, render(scene, pool))


def one(distance="plain", room="none", noise="none", times=1, start=0.5, pitch=1.0):
    event = Event(1, "bell", start, 0.4, pitch, 0.0, distance, times, 0.2)
    return Scene("test", 0, "single", LENGTHS[1], (event,), room, noise, 10.0)


def test_silence_lies_before_and_after_a_dry_sound(pool):
    wave = render(one(), pool)
    assert np.abs(wave[: int(0.49 * RATE)]).max() == 0
    assert np.abs(wave[int(0.92 * RATE) :]).max() == 0


def test_repeats_come_at_their_times(pool):
    wave = render(one(times=3), pool)
    loud = [np.abs(wave[int(t * RATE) : int((t + 0.05) * RATE)]).max() > 0.1 for t in (0.6, 0.95, 1.2, 1.55, 1.8)]
    assert loud == [True, False, True, False, True]


def test_a_room_rings_on_and_a_cave_longer_than_a_chamber(pool):
    def tail(room):
        wave = render(one(room=room), pool)
        return float(np.square(wave[int(1.1 * RATE) :]).sum() / np.square(wave).sum())

    assert tail("none") == 0
    assert 0 < tail("small") < tail("hall") < tail("cave")


def test_far_sounds_lose_their_highs(pool):
    def brightness(distance):
        power = np.abs(np.fft.rfft(render(one(distance), pool))) ** 2
        return power[len(power) // 4 :].sum() / power.sum()

    assert brightness("far") < 0.5 * brightness("plain")


@pytest.mark.parametrize("noise", ["hiss", "static", "rumble"])
def test_noise_lies_ten_decibels_below(pool, noise):
    clean, noisy = render(one(), pool), render(one(noise=noise), pool)
    scale = float(clean @ noisy / (clean @ clean))
    rest = noisy - scale * clean
    ratio = 20 * np.log10(np.linalg.norm(scale * clean) / np.linalg.norm(rest))
    assert ratio == pytest.approx(10, abs=0.5)


def test_pitch_moves_the_tone(pool):
    high = render(one(pitch=1.2), pool)
    low = render(one(), pool)
    centre = [np.argmax(np.abs(np.fft.rfft(wave))) for wave in (low, high)]
    assert centre[1] > centre[0]
