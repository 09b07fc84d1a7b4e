"""Commands that make the report, ethics, data cards, slides and site."""
