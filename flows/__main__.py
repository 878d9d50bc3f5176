"""`python -m flows` is the `lamas` command."""

from flows.cli.main import main

main()
