"""One module a system, each with `load(setting) -> System`; the process picks one by name."""
