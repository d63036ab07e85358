"""Tests of expressions: the score moves the cues, and nothing but the cues."""

import dataclasses
import functools

import numpy as np
import pytest

from hmhn_jax.base import scales
from hmhn_jax.recordings.synthetic.expression import perform
from hmhn_jax.recordings.synthetic.identity import draw_subject
from hmhn_jax.recordings.synthetic.painting.eyes import brow_curve, lid_curves
from hmhn_jax.recordings.synthetic.painting.mouth import lip_curves

LOW, MIDDLE, HIGH = 2, 25, 50


@functools.cache
def performances(score, num_sessions=60):
    """Draws several people, with the same random numbers whatever the score."""
    severity = scales.default().severity(score)
    subjects = [draw_subject(np.random.default_rng([index, 0])) for index in range(num_sessions)]
    return [
        (subject, perform(np.random.default_rng([index, 1]), subject, severity, 12, 4))
        for index, subject in enumerate(subjects)
    ]


def mean_cue(name, score):
    """Averages a field of the expression or the pose over sessions and moments."""
    return np.mean(
        [
            getattr(part, name)
            for _, moments in performances(score)
            for moment in moments
            for part in moment
            if hasattr(part, name)
        ]
    )


@pytest.mark.parametrize(
    ("cue", "direction"),
    [
        ("lid_droop", 1),
        ("inner_brow_raise", 1),
        ("furrow", 1),
        ("lip_corner", -1),
        ("smile", -1),
        ("mouth_open", -1),
        ("gaze_y", 1),
        ("pitch", 1),
    ],
)
def test_cue_follows_the_score(cue, direction):
    low, middle, high = (direction * mean_cue(cue, score) for score in (LOW, MIDDLE, HIGH))
    assert low < middle < high


@pytest.mark.parametrize("movement", ["yaw", "roll", "shift_x", "scale"])
def test_head_moves_less_at_high_scores(movement):
    def spread(score):
        return np.mean(
            [
                np.std([getattr(pose, movement) for _, pose in moments])
                for _, moments in performances(score)
            ]
        )

    assert spread(HIGH) < spread(MIDDLE) < spread(LOW)


def test_cues_reach_the_drawn_face():
    """Checks that the painted face, not only the numbers behind it, follows the score."""

    def painted(score):
        openings, corners, obliqueness = [], [], []
        for subject, moments in performances(score):
            for expression, _ in moments:
                if expression.blink < 0.05:
                    upper, lower, _ = lid_curves(subject, expression, side=1)
                    openings.append(np.max(lower[:, 1] - upper[:, 1]))
                lips = lip_curves(subject, expression)
                corners.append(lips.upper_inner[0] - lips.upper_inner[12])
                brow = brow_curve(subject, expression, side=1)
                obliqueness.append(brow[-1, 1] - brow[0, 1])
        return np.mean(openings), np.mean(corners), np.mean(obliqueness)

    low_opening, low_corner, low_oblique = painted(LOW)
    high_opening, high_corner, high_oblique = painted(HIGH)
    assert high_opening < 0.7 * low_opening  # eyes half closed
    assert low_corner < 0 < high_corner  # y grows downwards: corners above, then below the middle
    assert low_oblique < high_oblique  # inner ends higher than the outer ones: sad, not angry


def test_blink_closes_the_eye():
    subject, moments = performances(LOW)[0]
    closed = dataclasses.replace(moments[0][0], blink=1.0)
    upper, lower, _ = lid_curves(subject, closed, side=-1)
    np.testing.assert_allclose(upper, lower)


def test_same_seed_gives_the_same_performance():
    subject = draw_subject(np.random.default_rng(0))
    first, again, other = (
        perform(np.random.default_rng(seed), subject, 0.4, 5, 4) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_scores_vary_within_what_a_score_explains():
    """Checks that people of one score differ, so that a score cannot simply be read off."""
    corners = [moments[0][0].lip_corner for _, moments in performances(MIDDLE)]
    assert np.std(corners) > 0.05
