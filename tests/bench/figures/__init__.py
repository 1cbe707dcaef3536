"""One file for each group of figures. A module has NAME, ABOUT, and run(bench), which yields `Figure`s."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Figure:
    """A number, its goal (none: it is only stated), and whether more or less is better."""

    figure: str
    value: float
    unit: str
    goal: float | None
    more_is_better: bool = False
    detail: dict = field(default_factory=dict)

    @property
    def met(self):
        if self.goal is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal


def median(values):
    return statistics.median(values)


def percentile(values, share):
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * share // 100) - 1))]
