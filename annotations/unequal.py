"""A draw in which some are likelier than others, each with a probability that is known.

What is uncertain is drawn more often and weighs less for it, by the inverse of its probability:
active statistical inference (Zrnic and Candès 2024), which is sampling with probability
proportional to size (Hansen and Hurwitz 1943) where the size is a model's doubt.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence

BY_SIZE = 0.5
"""How much of a probability follows the sizes; the rest is the same for all. Nobody's is less than
half of the even one, so that no weight is more than doubled where the sizes mislead."""

_NOTHING = 1e-9


def probabilities_of(sizes: Mapping[str, float], count: int) -> dict[str, float]:
    """Each one's probability among `count` drawn: they add up to `count`, and none is 0.

    `BY_SIZE` of each is proportional to its size, which is not negative. Where that would draw one
    all but for certain (beyond half way from the even probability to 1), less of all of them is:
    what is certain speaks for nobody else.
    """
    even = count / len(sizes)
    whole = sum(sizes.values())
    if count == len(sizes) or whole <= 0:
        return dict.fromkeys(sizes, even)
    largest = count * max(sizes.values()) / whole
    part = BY_SIZE
    if largest > even:
        part = min(part, (1 - even) / 2 / (largest - even))
    return {name: even + part * (count * size / whole - even) for name, size in sizes.items()}


def draw_unequal(probabilities: Mapping[str, float], *, seed: int) -> frozenset[str]:
    """Draw by the pivotal method in random order (Deville and Tillé 1998).

    Two contend, one after the other: the one takes as much of the other's probability as there is
    room for, until all is spent. Each is drawn with exactly its probability, and as many as those
    add up to, a whole number. Order and contests are decided by hashes of the seed and of names:
    the same seed draws the same.
    """
    order = in_order(probabilities, seed)
    drawn: list[str] = []
    held, room = order[0], probabilities[order[0]]
    for name in order[1:]:
        own = probabilities[name]
        both = room + own
        chance = _chance(seed, held, name)
        if both < 1 - _NOTHING:
            # One of the two is out, the other goes on with both probabilities.
            if chance * both < own:
                held = name
            room = both
            continue
        # One of the two is drawn, the other goes on with what is left.
        rest = 2 - both
        if rest <= _NOTHING or chance * rest < 1 - own:
            drawn.append(held)
            held, room = name, both - 1
        else:
            drawn.append(name)
            room = both - 1
    if room > 0.5:
        drawn.append(held)
    return frozenset(drawn)


def in_order(names: Collection[str], seed: int) -> Sequence[str]:
    """In the order of a hash of their own, so that no other draw by the same seed is like it."""

    def place(name: str) -> tuple[bytes, str]:
        return (_hash("draw", seed, name), name)

    return sorted(names, key=place)


def _chance(seed: int, one: str, other: str) -> float:
    """Between 0 and 1, by the 53 bits that a float holds."""
    return (int.from_bytes(_hash("contest", seed, one, other)[:8], "big") >> 11) / 2**53


def _hash(*parts: object) -> bytes:
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
