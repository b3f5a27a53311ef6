"""How far codings may be trusted: agreement, intervals, drift and prevalence."""
