"""Edges as a drawing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_callqa.report import graph
from pytest_callqa.report.graph import Graph, layout


def columns(drawn: Graph | None) -> dict[str, int]:
    assert drawn is not None
    return {node.name: node.x // graph.COLUMN for node in drawn.nodes}


def test_a_node_stands_after_all_that_lead_to_it() -> None:
    edges = [("menu", "sales", "1"), ("menu", "help", "2"), ("help", "sales", ""), ("sales", "agent", "")]
    assert columns(layout(edges)) == {"menu": 0, "help": 1, "sales": 2, "agent": 3}


def test_a_loop_leads_back_over_the_boxes() -> None:
    drawn = layout([("a", "b", "go"), ("b", "a", "back"), ("b", "b", "again")])
    assert columns(drawn) == {"a": 0, "b": 1}
    go, back, again = drawn.edges
    assert go.path.startswith(f"M{graph.NODE_WIDTH} ")
    assert back.y < 0
    assert again.label == "again"


@pytest.mark.parametrize("edges", [[], [(str(n), str(n + 1), "") for n in range(graph.MOST_NODES)]])
def test_what_tells_nothing_is_not_drawn(edges: list[tuple[str, str, str]]) -> None:
    assert layout(edges) is None


EDGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.just("")), min_size=1, max_size=12)


@given(EDGES)
def test_no_two_boxes_share_a_place_and_all_lie_inside(edges: list[tuple[str, str, str]]) -> None:
    drawn = layout(edges)
    assert drawn is not None
    assert len({(node.x, node.y) for node in drawn.nodes}) == len(drawn.nodes) == len({n for e in edges for n in e[:2]})
    assert all(node.x + graph.NODE_WIDTH <= drawn.width and node.y < drawn.height for node in drawn.nodes)
    assert len(drawn.edges) == len(edges)
