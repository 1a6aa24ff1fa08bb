"""Calls that nobody recorded: variants and mutants of recorded ones, and generated customers."""
