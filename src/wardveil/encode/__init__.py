"""Tables to matrices and back, built from noisy answers only."""
