"""`python -m flows` is the `lamas` command."""

from flows.command import main

main()
