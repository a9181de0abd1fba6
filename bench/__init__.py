"""Measurements side by side in one run: trust their ratios, not their single figures."""
