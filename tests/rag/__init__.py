"""Tests of `rag`."""
