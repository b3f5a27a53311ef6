"""How common each code is, from a model's coding of everything and people's of a sample.

The model codes every transcript, people code a probability sample of them, and the share that
the model finds is corrected by how far the two differ in the sample:

    theta = mean over all (f) + weighted mean over the sample (y - f)

with the people's coding y, weights 1/pi, and f the sum of what the model says in two ways, each
multiplied by its lambda: what it decides, and how likely it holds a code. Whatever the model's
errors, they cost width and never truth (the difference estimator of survey sampling;
prediction-powered inference, Angelopoulos et al. 2023). Errors are never borrowed from another
cell.
"""
