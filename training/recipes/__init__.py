"""Recipes: one file a family of models, a dictionary of training steps in each."""
