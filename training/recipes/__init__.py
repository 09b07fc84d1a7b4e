"""Recipes: one small file a trained model."""
