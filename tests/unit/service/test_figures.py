"""Figures of a document as a page writes them."""

import re

import pytest

from service.web.figures import Node


def shown(node: Node) -> str:
    return re.sub(r"<[^>]*>", "", node.__html__()).replace("&lt;", "<")


@pytest.mark.parametrize("name", ["p", "adjusted", "holm", "benjamini_hochberg"])
def test_a_p_value_is_never_written_as_zero(name: str) -> None:
    document = Node.root({"tests": [{name: 0.0004}, {name: 0.0312}, {name: None}]})
    assert [shown(one[name]) for one in document["tests"]] == ["<.001", ".031", "–"]
    assert 'value="0.0004"' in document["tests"][0][name].__html__()


def test_a_figure_that_rounds_to_zero_has_no_minus() -> None:
    estimate = {"value": -0.0004, "low": -0.2, "high": 0.0003, "reason": None}
    document = Node.root({"share": -0.0004, "kappa": estimate})
    assert shown(document["share"]) == "0.000"
    assert shown(document["kappa"]) == "0.000 [-0.20, 0.000]"
