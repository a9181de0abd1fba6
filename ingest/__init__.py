"""From a source to the index."""
