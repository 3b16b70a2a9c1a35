# SPDX-License-Identifier: Apache-2.0
"""What has changed between two results of bench/run: each number as a ratio, new divided by old, in one table.

Rows are matched by the cells that are not numbers ("gRPC none", a query) and, of rows that are alike in these, by their
order. A row that is new or gone is left out.
"""

import collections
import re

from harness import table

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
# Below this the difference is the noise of the machine; the row is still counted.
NOTICEABLE = 0.1


def tables(results, name=""):
    """(name, rows) of every table in the results, however deep."""
    if isinstance(results, list) and all(isinstance(row, dict) for row in results):
        yield name, results
    elif isinstance(results, dict):
        for key, value in results.items():
            yield from tables(value, f"{name} / {key}" if name else key)


def number(cell):
    match = NUMBER.match(str(cell))
    return float(match[0].replace(",", "")) if match else None


def rows_by_label(results):
    """{(table, label, how many rows of that label are before it): row}"""
    found, seen = {}, collections.Counter()
    for name, rows in tables(results):
        for row in rows:
            label = ", ".join(str(cell) for cell in row.values() if number(cell) is None)
            found[name, label, seen[name, label]] = row
            seen[name, label] += 1
    return found


def ratios(old, new):
    """(table, row, column, old, new, ratio) of all numbers that both have."""
    before = rows_by_label(old)
    for key, row in rows_by_label(new).items():
        earlier = before.get(key, {})
        for column, cell in row.items():
            was, now = number(earlier.get(column, "")), number(cell)
            if was and now is not None:
                yield *key[:2], column, earlier[column], cell, now / was


def print_ratios(old, new):
    found = list(ratios(old, new))
    changed = [row for row in found if abs(row[-1] - 1) >= NOTICEABLE]
    table(f"Against commit {old['commit']} of {old['date']}: {len(changed)} of {len(found)} numbers differ by a tenth "
          "or more", ["table", "row", "column", "then", "now", "ratio"],
          [[*row[:-1], f"{row[-1]:.2f}"] for row in changed])
    if old["machine"] != new["machine"]:
        print(f"\nThat was another machine: {old['machine']}.")
