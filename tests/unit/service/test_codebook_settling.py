"""What is said of a codebook that settles."""

import numpy as np
import pytest

from annotations.reliability.saturation import saturation_of
from service.cli.codebook_settling import since_when


@pytest.mark.parametrize(
    ("brings", "words"),
    [
        ([4, 0, 0, 0, 0, 0, 0], "it was at most .05 after 6 transcripts and stayed so."),
        ([4, 0, 0, 0, 0, 0, 1], "it was at most .05 after 6 transcripts and rose again."),
        (
            [4, 0, 0, 0, 0, 0, 1, 0, 0, 0],
            "it was at most .05 after 6 transcripts, rose again, and stayed so from 9 transcripts "
            "on.",
        ),
        ([4, 0, 0, 0, 1, 1, 1], "it was never at most .05."),
    ],
)
def test_what_became_few_and_rose_again_is_no_lasting_state(brings: list[int], words: str) -> None:
    met = np.zeros((len(brings), sum(brings)), dtype=np.bool_)
    for at, until in enumerate(np.cumsum(brings).tolist()):
        met[at, until - brings[at] : until] = True
    assert since_when(saturation_of([f"t{at}" for at in range(len(brings))], met)) == words
