"""One use case a function, shared by the command line, the routes and the jobs."""
