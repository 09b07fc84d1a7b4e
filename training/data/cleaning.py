"""What is left out of the training split: images that teach nothing or teach the wrong thing.

Each step is a field of the recipe, and `mien study trials ablations` measures what it gains.
"""

import numpy as np

from core.measures.accuracy import near_duplicates
from training.data.fer2013 import Faces, drop_blank
from training.recipes.base import Recipe


def clean(train: Faces, validation: Faces, recipe: Recipe) -> Faces:
    """The training faces that `recipe` keeps, in their order."""
    if recipe.drop_blank:
        train = drop_blank(train)
    if recipe.drop_duplicates:
        train = drop_duplicates_of(validation, train)
    if recipe.min_vote_share:
        train = drop_disputed(train, recipe.min_vote_share)
    return train


def drop_duplicates_of(reference: Faces, faces: Faces) -> Faces:
    """Leave out near-duplicates of `reference`: they would make its figures look too good.

    A near-duplicate is what `core.measures.accuracy.near_duplicates` says. Never called with the
    test split: nothing about training may depend on it.
    """
    return faces.keep(~near_duplicates(faces.images, reference.images))


def drop_disputed(faces: Faces, min_vote_share: float) -> Faces:
    """Leave out faces whose label got less than `min_vote_share` of FER+'s votes.

    Faces without votes stay: FER+'s rows could not be found for fear and disgust (README of
    the data), so this step must not be used without class balancing.
    """
    if faces.votes is None:
        return faces
    own_share = faces.votes[np.arange(len(faces)), faces.labels]
    voted = faces.votes.sum(axis=1) > 0
    return faces.keep(~voted | (own_share >= min_vote_share))
