"""Tests of `bench`, of what needs no peers' environment."""
