"""In what order waiting calls run: one file an order."""
