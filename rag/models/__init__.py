"""Language models behind the `LanguageModel` seam, one engine a module."""
