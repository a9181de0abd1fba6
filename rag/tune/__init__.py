"""Fitting what ships: ranking and confidence, the reader, the answer adapter, the router."""
