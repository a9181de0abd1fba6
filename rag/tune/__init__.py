"""Fitting what ships: confidence now, adapters later."""
