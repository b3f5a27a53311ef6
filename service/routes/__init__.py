"""HTTP routes: each parses, calls one workflow and presents."""
