"""The blind sample: transcripts whose suggestions are withheld, so that people code alone."""

import hashlib


def in_blind_sample(transcript: str, *, share: float, seed: int) -> bool:
    """Whether a transcript belongs to the blind sample.

    A hash of seed and name, uniform on [0, 1), is compared with `share`: each transcript is in
    with that probability, whatever others there are, and always the same for the same seed. A
    larger share keeps all that a smaller one drew.
    """
    digest = hashlib.sha256(f"{seed}\0{transcript}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
