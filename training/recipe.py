"""What of a study the heads learn from: the choices that cross-validation makes."""

from dataclasses import dataclass

CONTEXTS = ("alone", "question", "turns")
TARGETS = ("majority", "share", "weighted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How the heads of both views are fitted.

    `context`: the segment "alone", with the "question" before a short one, or with the "turns"
    before it. `roles`: whether recurring speakers are features. `knowledge`: how firmly a code
    begins as what the codebook says of it, in deviations of its score, 0 no more than as three
    codings would; codings overcome it as they grow. `sharing`: the share of their theme's head
    that siblings begin with. `targets`: the "majority", the "share" of the coders, or the share
    "weighted" by how far each coder agrees with the others. `balanced`: whether in the words view
    a code's segments weigh as much as all others, or each segment the same, less held back.
    """

    context: str = "alone"
    roles: bool = True
    knowledge: float = 0.0
    sharing: float = 0.0
    targets: str = "majority"
    balanced: bool = True
