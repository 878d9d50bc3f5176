"""How the reports of the tests say that their run is made again."""

from lamas.report.html import Recipe

RECIPE = Recipe(command="lamas retrain", resolves=True)
