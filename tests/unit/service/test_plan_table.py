"""What the table of a plan says of each size of sample."""

from annotations.reliability.prevalence.planning import CodePlan, SizePlan
from service.cli.drawing import plan_row


def test_where_all_that_is_left_is_drawn_shares_are_counted() -> None:
    sizes = tuple(
        SizePlan(size=size, whole=whole, cell=cell, people=None)
        for size, whole, cell in [(10, 0.0, None), (20, 0.0004, 0.01), (46, 0.0, 0.0)]
    )
    plan = CodePlan(code="A", share=0.1, tuning=1.0, sizes=sizes)
    assert plan_row(plan, 1, 46, 3)[2:-1] == ("± 0.000", "± 0.000", "counted")
    assert plan_row(plan, 2, 46, 3)[2:-1] == (
        "± 0.000 (–)",
        "± 0.000 (0.010)",
        "counted (counted)",
    )
