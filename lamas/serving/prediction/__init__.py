"""What is expected of a call before it runs: length, memory, remaining seconds and steps."""
