"""The verdict on a study: is there a gap, does a bridge help and for what, which one to take, what not to believe."""

from gapkit.verdict.aims import AIMS, Aim
from gapkit.verdict.evidence import Evidence
from gapkit.verdict.judging import Verdict, judge
from gapkit.verdict.marks import CLOSED, KEPT, marked

__all__ = ["AIMS", "CLOSED", "KEPT", "Aim", "Evidence", "Verdict", "judge", "marked"]
