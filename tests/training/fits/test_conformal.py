"""The fit of what is named: by halves of the images, checked on the other one."""

import numpy as np
import pytest

from core.expression.conformal import ConformalFit
from core.measures.people import NONE_OF_THESE, held, said_labels, summarise
from training.fits.conformal import fitted


def test_what_people_say_goes_before_the_sets_label_but_for_ties_and_unknown_votes() -> None:
    votes = np.zeros((5, 8), np.float32)
    votes[0, [3, 6]] = 0.6, 0.4
    votes[1, [3, 6]] = 0.5, 0.5  # the set's label decides
    votes[2, [7, 6]] = 0.7, 0.3  # most say none of these
    votes[4, [0, 1]] = 0.5, 0.5  # the set's label is neither
    own = np.array([6, 6, 6, 2, 5])
    assert said_labels(votes, own).tolist() == [3, 6, NONE_OF_THESE, 2, 0]
    assert said_labels(None, own).tolist() == own.tolist()


def test_the_check_is_of_other_images_and_holds_what_the_fit_aims_at() -> None:
    rng = np.random.default_rng(3)
    image = np.repeat(np.arange(4000), 3)
    shares = rng.dirichlet(np.full(7, 0.5), len(image)).astype(np.float32)
    said = (shares.cumsum(axis=1) > rng.random((len(image), 1))).argmax(axis=1)
    said[:40] = NONE_OF_THESE
    quality = rng.uniform(0.4, 1, len(image))
    found = fitted(shares, said.astype(np.int64), quality, image)
    every = found["check"]["all"]
    assert 5900 < every["n"] < 6000  # half of the images with all their copies, less some 20
    assert every["coverage"] > 0.88
    assert sum(band["n"] for band in found["check"]["by_quality"]) == every["n"]
    assert sum(row["n"] for row in found["check"]["by_label"].values()) == every["n"]


def test_coverage_by_hand() -> None:
    fit = ConformalFit(target=0.9, edges=[0, 1], least_shares=[0.3])
    shares = np.float32([[0.6, 0.4, 0, 0, 0, 0, 0]] * 3 + [[0.9, 0.1, 0, 0, 0, 0, 0]] * 2)
    said = np.array([0, 1, 2, 0, NONE_OF_THESE])
    known = said != NONE_OF_THESE
    found = summarise(*held(fit, shares[known], said[known], np.ones(known.sum())))
    assert (found.n, found.coverage, found.mean_labels) == (4, 0.75, pytest.approx(1.75))
    assert (found.one_label, found.no_agreement) == (0.25, 0)
    assert np.isnan(summarise(*held(fit, shares[:0], said[:0], np.ones(0))).coverage)
