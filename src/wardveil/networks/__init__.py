"""Torch modules and losses that models share."""
