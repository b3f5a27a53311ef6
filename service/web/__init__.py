"""Pages for people: the reliability report as one HTML document."""
