"""A network of validators and workers on this machine, for scripts/test-training and scripts/soak."""
