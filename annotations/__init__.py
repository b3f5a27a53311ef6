"""What people (and models) coded, and how far to trust it."""
