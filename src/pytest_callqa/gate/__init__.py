"""What a change made worse: findings against a baseline, rates beyond chance, breaches that somebody accepted."""
