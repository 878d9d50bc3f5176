"""The half of the sandbox that runs in its own processes; standard library only."""
