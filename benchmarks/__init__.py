"""Figures of the project, as ratios taken in one run. `python -m benchmarks` runs all and writes benchmarks/results/."""
