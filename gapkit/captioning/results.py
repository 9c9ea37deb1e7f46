"""`CaptionResults`: what the rows of a caption study came to, and how far they stand apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gapkit.captioning.record import CaptionCell
from gapkit.errors import InputError
from gapkit.files.csv_cells import original
from gapkit.records import read_json, unsealed
from gapkit.statistics import Groups, paired_tests, percentile_interval, resample_weights

ROW = ["protocol", "training", "bridge"]
CHOSEN = "chosen"
"""Training of the zero-shot rows that stand with the training which validation chose for them."""


@dataclass(frozen=True, repr=False, eq=False)
class CaptionResults:
    """What a caption study found.

    Parameters
    ----------
    captions : DataFrame
        protocol, bridge, training, seed, id, caption.
    per_clip : DataFrame
        protocol, bridge, training, seed, id, score, value.
    scores : DataFrame
        protocol, bridge, training, seed, score, value, ci_low, ci_high, n.
    manifest : mapping
        See `gapkit.captioning.manifest`.
    """

    captions: pd.DataFrame
    per_clip: pd.DataFrame
    scores: pd.DataFrame
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, cells: Sequence[CaptionCell], manifest: Mapping[str, Any]) -> CaptionResults:
        """The tables of finished cells."""
        captions, clips, scores = [], [], []
        for cell in cells:
            row = {"protocol": cell.protocol, "bridge": cell.bridge, "training": cell.training, "seed": cell.seed}
            ids = list(cell.captions)
            captions.append(pd.DataFrame({**row, "id": ids, "caption": list(cell.captions.values())}))
            clips += [
                pd.DataFrame({**row, "id": ids, "score": score, "value": values})
                for score, values in cell.per_clip.items()
            ]
            scores += [{**row, **line} for line in cell.corpus]
        columns = ["protocol", "bridge", "training", "seed", "score", "value", "ci_low", "ci_high", "n"]
        return cls(
            _joined(captions, [*columns[:4], "id", "caption"]),
            _joined(clips, [*columns[:4], "id", "score", "value"]),
            pd.DataFrame(scores, columns=columns).astype({"n": "int64"}),
            manifest,
        )

    @classmethod
    def read(cls, folder: str | Path) -> CaptionResults:
        """What a study wrote.

        Raises
        ------
        InputError
            No finished caption study there.
        """
        root = Path(folder)
        try:
            manifest = unsealed(read_json(root / "manifest.json"))
            text = {"dtype": {"id": str, "caption": str}, "keep_default_na": False}
            captions = pd.read_csv(root / "captions.csv", **text)  # type: ignore[call-overload]
            # An id may read "NA": only an empty value is none.
            empty = {"value": [""]}
            clips = pd.read_csv(root / "per_clip.csv", dtype={"id": str}, keep_default_na=False, na_values=empty)
            scores = pd.read_csv(root / "scores.csv")
            for table, columns in ((captions, ("id", "caption")), (clips, ("id",))):
                for column in columns:
                    table[column] = table[column].map(original)
            if "choices" not in manifest or "data_seen" not in manifest:
                raise ValueError("another manifest")
        except FileNotFoundError as error:
            missing = Path(str(error.filename)).name
            raise InputError(
                f"{root}: no {missing} here; expected a folder that `gapkit caption study` finished"
            ) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{root}: not readable; expected what `gapkit caption study` wrote") from None
        return cls(captions, clips, scores, manifest)

    @property
    def chosen(self) -> dict[str, str]:
        """The training of each zero-shot row that had the best score on validation.

        All choose among clean, noise and projected (which for no bridge is clean), a bridge that targets can go through
        has its own training besides.
        """
        best: dict[str, tuple[float, str]] = {}
        for choice in self.manifest["choices"]:
            own = choice["training"].partition(":")[2]
            if choice["protocol"] != "zero-shot" or choice["value"] is None or own not in ("", choice["bridge"]):
                continue
            if choice["bridge"] not in best or choice["value"] > best[choice["bridge"]][0]:
                best[choice["bridge"]] = (choice["value"], choice["training"])
        return {bridge: training for bridge, (_, training) in best.items()}

    def groups(self) -> list[tuple[str, str]]:
        """Protocol and training of each part of the table; of zero-shot rows also those that validation chose."""
        found = list(dict.fromkeys(zip(self.scores["protocol"], self.scores["training"], strict=True)))
        place = sum(protocol == "zero-shot" for protocol, _ in found)
        return [*found[:place], *([("zero-shot", CHOSEN)] if self.chosen else []), *found[place:]]

    def bridges(self, protocol: str, training: str) -> list[str]:
        """Rows of a part, in the order of the table."""
        if training == CHOSEN:
            return list(self.chosen)
        own = self.scores[(self.scores["protocol"] == protocol) & (self.scores["training"] == training)]
        return list(dict.fromkeys(own["bridge"]))

    def clips(self, protocol: str, training: str, bridge: str, score: str) -> pd.Series:
        """A score of each clip, the mean over seeds, (n,); empty where there is none."""
        training = self.chosen.get(bridge, "") if training == CHOSEN else training
        return self._means.get((protocol, training, bridge, score), pd.Series(dtype="float64"))

    def summary(self, score: str | None = None) -> pd.DataFrame:
        """Means over seeds.

        Parameters
        ----------
        score : str, optional
            Left out: all.

        Returns
        -------
        DataFrame
            protocol, training, bridge, score, value, ci_low, ci_high, seed_sd, n_seeds, n. Intervals are 95 %
            percentiles over resamples of clips, of the mean over seeds; of a score that is no mean over clips (BLEU)
            the ends of its seeds' intervals are averaged.
        """
        rows = []
        for protocol, training in self.groups():
            for bridge in self.bridges(protocol, training):
                actual = self.chosen[bridge] if training == CHOSEN else training
                own = self.scores[
                    (self.scores["protocol"] == protocol) & (self.scores["training"] == actual)
                    & (self.scores["bridge"] == bridge)
                ]  # fmt: skip
                for name, lines in own.groupby("score", sort=False):
                    if score is None or name == score:
                        rows.append(self._summed(protocol, training, bridge, str(name), lines))
        columns = [*ROW, "score", "value", "ci_low", "ci_high", "seed_sd", "n_seeds", "n"]
        return pd.DataFrame(rows, columns=columns)

    def gains(self, score: str = "cider_d", *, against: str = "identity") -> pd.DataFrame:
        """How much more than without a bridge each row scores, in parts of that.

        Parameters
        ----------
        score : str
            One that is a mean over clips.
        against : str
            The row that it is compared with: of the same protocol and training, so that the decoder is the same (of
            the chosen ones: each with the training that validation chose).

        Returns
        -------
        DataFrame
            protocol, training, bridge, gain, low, high, n: ``mean(row) / mean(against) - 1``, both over clips and
            seeds, and its 95 % interval over resamples of clips, the same clips in both.
        """
        rows = []
        for protocol, training in self.groups():
            base = self.clips(protocol, training, against, score)
            for bridge in self.bridges(protocol, training):
                own = self.clips(protocol, training, bridge, score)
                if bridge == against or base.empty or own.empty:
                    continue
                with np.errstate(divide="ignore", invalid="ignore"):
                    low, high = percentile_interval(self._draws(own) / self._draws(base) - 1)
                whole = float(own.mean() / base.mean() - 1) if base.mean() else np.nan
                rows.append([protocol, training, bridge, whole, low, high, len(own)])
        return pd.DataFrame(rows, columns=[*ROW, "gain", "low", "high", "n"])

    def tests(self, subject: str = "diffusion-link", score: str = "cider_d") -> pd.DataFrame:
        """Paired differences of one bridge from each other row of its part, adjusted within the part (Holm).

        Parameters
        ----------
        subject, score : str

        Returns
        -------
        DataFrame
            protocol, training, bridge, difference (subject minus bridge), low, high, p, p_holm, effect: see
            `gapkit.statistics.paired_tests`; the p-value is that of the bootstrap's standard error.
        """
        frames = []
        for protocol, training in self.groups():
            own = self.clips(protocol, training, subject, score)
            others = [name for name in self.bridges(protocol, training) if name != subject]
            columns = [self.clips(protocol, training, name, score) for name in others]
            if own.empty or not others:
                continue
            mine = self._draws(own)
            found = paired_tests(
                [float(own.mean() - column.mean()) for column in columns],
                [mine for _ in columns],
                [self._draws(column) for column in columns],
                n=len(own) if self.origins is None else self.origins.n_effective,
                p="normal",
            )
            frames.append(pd.DataFrame({"protocol": protocol, "training": training, "bridge": others, **found}))
        columns_ = [*ROW, "difference", "low", "high", "p", "p_holm", "effect"]
        return pd.concat(frames, ignore_index=True)[columns_] if frames else pd.DataFrame(columns=columns_)

    def _summed(self, protocol: str, training: str, bridge: str, score: str, lines: pd.DataFrame) -> list[Any]:
        value = float(lines["value"].mean())
        low, high = float(lines["ci_low"].mean()), float(lines["ci_high"].mean())
        clips = self.clips(protocol, training, bridge, score)
        if len(clips) and np.isclose(float(clips.mean()), value, rtol=1e-9, atol=1e-12):
            low, high = percentile_interval(self._draws(clips))
        spread = float(lines["value"].std(ddof=1)) if len(lines) > 1 else np.nan
        return [protocol, training, bridge, score, value, low, high, spread, len(lines), int(lines["n"].min())]

    @cached_property
    def _means(self) -> dict[tuple[str, ...], pd.Series]:
        """Each score of each clip of each row, the mean over seeds."""
        keys = [*ROW, "score"]
        whole = self.per_clip.groupby([*keys, "id"], sort=False)["value"].mean()
        return {key: own.droplevel(keys) for key, own in whole.groupby(level=keys, sort=False)}  # type: ignore[misc,arg-type]

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How often each clip is in each resample, (B, n)."""
        config = self.manifest["config"]
        n = self.per_clip["id"].nunique()
        draws, seed = int(config["draws"]), int(config["seed"])
        return resample_weights(n, draws, seed, groups=self.origins).astype(np.float64)

    @cached_property
    def origins(self) -> Groups | None:
        """Groups of the clips in the order of the manifest's ids; None where each clip is its own."""
        cells = self.manifest.get("groups")
        return Groups.from_cells(cells) if cells else None

    def _draws(self, clips: pd.Series) -> NDArray[np.float64]:
        """Means of each resample of clips; the same clips for every row, (B,)."""
        values = clips.to_numpy(dtype=np.float64)
        known = np.isfinite(values)
        if not known.all():  # those of the clips that have the score
            own = self._weights[:, known]
            with np.errstate(invalid="ignore"):
                return np.asarray(own @ values[known] / own.sum(axis=1))
        means: NDArray[np.float64] = self._weights @ values / len(clips)
        return means


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
