import numpy as np
import pytest

from core.measures.people import majority_labels, measure_people

RNG = np.random.default_rng(0)


def test_a_model_that_says_what_people_say_is_never_wrong() -> None:
    votes = RNG.dirichlet(np.full(8, 0.3), 400).astype(np.float32)
    shares = votes[:, :7] / votes[:, :7].sum(axis=1, keepdims=True)
    found = measure_people(votes, shares)
    labels, clear = majority_labels(votes)
    assert found.n_clear == (clear & (labels < 7)).sum()
    assert found.clear_agreement == found.agreement == found.clear_balanced == 1
    assert found.share_error == pytest.approx(0, abs=1e-6)
    assert found.share_correlation == pytest.approx(1)


def test_agreement_counts_clear_faces_whose_majority_is_one_of_the_seven() -> None:
    votes = np.zeros((5, 8), np.float32)
    votes[0, [3, 6]] = 0.9, 0.1  # clear, hit
    votes[1, [0, 6]] = 0.6, 0.4  # clear, missed
    votes[2, [0, 6]] = 0.5, 0.5  # half is not more than half
    votes[3, [7, 6]] = 0.8, 0.2  # none of these
    said = np.zeros((5, 7), np.float32)
    said[:, 3] = 1
    found = measure_people(votes, said)
    assert (found.n, found.n_clear, found.clear_agreement) == (4, 2, 0.5)
    assert found.clear_recall["happy"] == 1
    assert found.clear_recall["angry"] == 0
    assert np.isnan(found.clear_recall["fear"])
    assert found.agreement == pytest.approx(1 / 3)


def test_shares_that_are_too_high_on_the_mean_show_as_bias() -> None:
    votes = np.zeros((100, 8), np.float32)
    votes[:, 6], votes[:, 4] = 0.7, 0.3
    said = np.zeros((100, 7), np.float32)
    said[:, 6], said[:, 4] = 0.5, 0.5
    found = measure_people(votes, said)
    assert found.share_bias["sad"] == pytest.approx(0.2)
    assert found.share_error == pytest.approx(0.4 / 7)
