"""What is learned: data sets from codings, cross-validation, fitting."""
