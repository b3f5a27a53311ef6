"""What predicts: encoders, heads, calibration and the artifacts that hold them."""
