"""What runs found, kept over time: a store that ledgers are added to, and trends from it."""
