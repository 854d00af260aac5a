"""Made-up demand of two weeks whose days, or weeks, are alike, and one whose days are not."""
# SPDX-License-Identifier: Apache-2.0
import math
import random

TICK = 10  # s
DAY = 86_400
DAYS = 14


def shape(kind, dice):
    """The load at each moment, in nodes, before its noise."""
    size = [dice.gauss(1, 0.08) for _ in range(DAYS)]  # no two days are of one size
    late = [dice.gauss(0, 60) for _ in range(DAYS)]  # nor begin at one second
    wander = 0.0
    for t in range(0, DAYS * DAY, TICK):
        day, clock = divmod(t, DAY)
        hour = (clock - late[day]) / 3600
        if kind == "office":  # opens at nine, closes at six
            yield 3 + 27 * size[day] * (9 <= hour < 18)
        elif kind == "week":  # the same from Monday to Friday
            yield 3 + 27 * size[day] * (9 <= hour < 18 and day % 7 < 5)
        elif kind == "jobs":  # four a day, of twenty minutes
            yield 6 + 20 * size[day] * (clock % 21_600 < 1_200)
        elif kind == "waves":  # up and down with the sun
            yield size[day] * (10 + 8 * math.sin(2 * math.pi * (clock / DAY - 0.3)))
        else:  # wanders over hours
            wander += dice.gauss(0, 0.012) - 0.0005 * wander
            yield 10 * math.exp(wander)


KINDS = ["office", "week", "jobs", "waves", "wanders"]


def write(kind, path):
    """A trace for `gpuscale simulate`; returns its mean load in nodes."""
    dice = random.Random(f"days {kind}")
    minute, half_hour, total, rows = 0.0, 0.0, 0.0, 0
    with open(path, "w", encoding="utf-8") as out:
        out.write("t_seconds,demand\n")
        for nodes in shape(kind, dice):
            minute += dice.gauss(0, math.sqrt(1 - math.exp(-2 * TICK / 60))) - minute * (1 - math.exp(-TICK / 60))
            half_hour += dice.gauss(0, math.sqrt(1 - math.exp(-2 * TICK / 1800))) - half_hour * (1 - math.exp(-TICK / 1800))
            load = max(0.2, nodes + 0.25 * math.sqrt(max(0, nodes)) * (minute + half_hour))
            out.write(f"{rows * TICK},{load:.4f}\n")
            total += load
            rows += 1
    return total / rows
