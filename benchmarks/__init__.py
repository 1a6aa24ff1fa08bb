"""Figures of the project, as ratios taken in one run: `python -m benchmarks` writes benchmarks/results/."""
