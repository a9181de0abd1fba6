"""Measuring answers against questions with known answers."""
