"""Picks by category: what a reader sees, and one number on how much the choice depends on it."""

import pytest

from lamas.report.run.picks import Pick, dependence, picks_html


def picks(*counts: tuple[str | None, str, int]) -> list[Pick]:
    """(category, graph, picks) with the shares that follow."""
    whole = sum(count for _, _, count in counts)
    return [
        Pick(
            policy="lamas",
            checkpoint_id="lamas-2",
            category=category,
            graph=graph,
            picks=count,
            share=count / sum(n for name, _, n in counts if name == category),
            share_of_all=sum(n for _, name, n in counts if name == graph) / whole,
        )
        for category, graph, count in counts
    ]


def test_the_same_mix_everywhere_depends_on_nothing() -> None:
    found = dependence(picks(("a", "X", 2), ("a", "Y", 2), ("b", "X", 3), ("b", "Y", 3)))
    assert found.share == 0.0 < found.by_chance


def test_a_graph_for_each_category_moves_what_the_mix_would_have_given_to_others() -> None:
    # Of each half the mix would have given half to the other graph.
    assert dependence(picks(("a", "X", 4), ("b", "Y", 4))).share == pytest.approx(0.5)
    # 3 of 4 get X anyhow: 3/4·1/4 + 1/4·3/4.
    assert dependence(picks(("a", "X", 3), ("b", "Y", 1))).share == pytest.approx(0.375)


def test_a_problem_of_each_category_differs_by_chance_as_much_as_it_does() -> None:
    alone = dependence(picks(*((str(n), f"G{n}", 1) for n in range(5))))
    assert alone.share == pytest.approx(alone.by_chance)
    many = dependence(picks(("a", "X", 400), ("b", "Y", 400)))
    assert many.by_chance < 0.1 < many.share


def test_many_graphs_share_a_column_and_names_are_escaped() -> None:
    html = picks_html(picks(*((f"<{n % 2}>", f"G{n}", 10 - n) for n in range(6))))
    assert "<0>" not in html
    assert "&lt;0&gt;" in html
    assert "others" in html
    assert "G4" not in html


def test_one_graph_for_all_is_said_in_a_sentence() -> None:
    assert "One graph for every problem of every category: X." in picks_html(
        picks(("a", "X", 1), ("b", "X", 2))
    )


@pytest.mark.slow
def test_without_categories_there_is_nothing_to_show() -> None:
    assert picks_html(picks((None, "X", 1), (None, "Y", 2))) == ""
    assert picks_html([]) == ""
