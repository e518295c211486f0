"""The benchmark: the product against the limit taken in the same run."""
