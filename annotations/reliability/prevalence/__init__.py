"""How common each code is, from a model's coding of everything and people's of a sample.

The model codes every transcript, people code a probability sample of them, and the share that
the model finds is corrected by how far the two differ in the sample:

    theta = lambda · mean over all (f) + weighted mean over the sample (y - lambda f)

with the people's coding y, the model's f, and weights 1/pi. Whatever the model's errors, they
cost width and never truth (the difference estimator of survey sampling; prediction-powered
inference, Angelopoulos et al. 2023). Errors are never borrowed from another cell.
"""
