"""One module a foreign format: each reads into, and some write from, the types above."""
