"""A plan's budgets as bars that add up: in a terminal, as SVG and as PNG."""
