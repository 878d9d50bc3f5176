"""How an answer is read out of what a model wrote; standard library only, bounded in time."""
