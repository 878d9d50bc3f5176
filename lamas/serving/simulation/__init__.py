"""A cluster that serves workflows in simulated time, decided by the same objects as a live one."""
