"""Footnote beside the systems that people build this with, on the same weights and documents."""
