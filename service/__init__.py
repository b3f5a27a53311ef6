"""What talks: the command line, the HTTP service, Label Studio, storage and jobs."""
