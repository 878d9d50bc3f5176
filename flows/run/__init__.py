"""One run from begin to end: session, row, preflight, problems, learners, batches, plans, caps."""
