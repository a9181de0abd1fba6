"""Everything a person or a process manager touches."""
