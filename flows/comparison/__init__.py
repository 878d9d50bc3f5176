"""Many runs as one: variants, members, training them side by side."""
