"""Whether a model judges some groups worse than others."""
