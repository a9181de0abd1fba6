"""Tests of `rag.tune`."""
