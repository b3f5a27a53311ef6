"""A codebook as a sequence of versions: its edits, and old codings read through them."""
