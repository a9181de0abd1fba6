"""The history of live.sqlite's schema, one file a step; applied whenever it is opened."""
