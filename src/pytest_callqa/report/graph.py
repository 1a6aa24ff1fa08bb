"""Edges of an exhibit as a drawing: sources to the left, each node one column after the last that leads to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NODE_WIDTH, NODE_HEIGHT = 150, 30
COLUMN, ROW = 210, 46
MOST_NODES = 150
"""Above this a drawing tells nothing; the table of edges does."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node and the upper left corner of its box."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one box to another, as the path of an SVG, and where its label stands."""

    path: str
    label: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A drawing of so many units."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def layout(edges: Sequence[tuple[str, str, str]]) -> Graph | None:
    """Place the nodes of these edges (from, to, label); None when there are none, or too many to draw.

    A loop leads back: its last edge in the order given does not move a node.
    """
    names = list(dict.fromkeys(name for source, target, _ in edges for name in (source, target)))
    if not names or len(names) > MOST_NODES:
        return None
    column = _columns(names, edges)
    rows: dict[int, int] = {}
    places: dict[str, Node] = {}
    for name in names:
        row = rows.get(column[name], 0)
        rows[column[name]] = row + 1
        places[name] = Node(name, column[name] * COLUMN, row * ROW)
    drawn = tuple(_edge(places[source], places[target], label) for source, target, label in edges)
    width = max(node.x for node in places.values()) + NODE_WIDTH
    return Graph(width, max(rows.values()) * ROW, tuple(places.values()), drawn)


def _columns(names: Sequence[str], edges: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """The length of the longest way to each node, edges that would close a loop left out."""
    leads: dict[str, set[str]] = {name: set() for name in names}
    for source, target, _ in edges:
        if source not in _reached(leads, target):
            leads[source].add(target)
    column = dict.fromkeys(names, 0)
    while late := [(t, column[s] + 1) for s, targets in leads.items() for t in targets if column[t] <= column[s]]:
        for target, at in late:
            column[target] = max(column[target], at)
    return column


def _reached(leads: dict[str, set[str]], start: str) -> set[str]:
    seen, ahead = {start}, [start]
    while ahead:
        fresh = leads[ahead.pop()] - seen
        seen |= fresh
        ahead.extend(fresh)
    return seen


def _edge(source: Node, target: Node, label: str) -> Edge:
    y1, y2 = source.y + NODE_HEIGHT // 2, target.y + NODE_HEIGHT // 2
    x1, x2 = source.x + NODE_WIDTH, target.x
    if x2 > source.x:
        middle = (x1 + x2) // 2
        return Edge(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", label, x1 + 6, (y1 * 3 + y2) // 4 - 4)
    top = min(source.y, target.y) - 10  # back, over the boxes
    return Edge(
        f"M{source.x + NODE_WIDTH // 2} {source.y}C{source.x} {top} {x2 + NODE_WIDTH} {top} "
        f"{x2 + NODE_WIDTH // 2} {target.y}",
        label,
        (source.x + x2 + NODE_WIDTH) // 2,
        top,
    )
