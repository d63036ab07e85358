"""Splits by subject."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from hmhn_jax.base.errors import UserError
from hmhn_jax.recordings.recording import SPLITS, Recording

# With fewer, resampling them says too little about people in general: there are no intervals.
LEAST_SUBJECTS = 10


def in_several_splits(recordings: Iterable[Recording]) -> dict[str, list[str]]:
    """Returns {subject: splits in the order of `SPLITS`} of those in more than one, by subject."""
    splits = defaultdict(set)
    for recording in recordings:
        splits[recording.subject_id].add(recording.split)
    return {
        subject: sorted(splits[subject], key=SPLITS.index)
        for subject in sorted(splits)
        if len(splits[subject]) > 1
    }


def overlap_facts(recordings: Iterable[Recording]) -> list[str]:
    """Describes in one line the subjects in more than one split; none if there are none."""
    shared = in_several_splits(recordings)
    named = ", ".join(f"{subject} ({', '.join(splits)})" for subject, splits in shared.items())
    return [f"subjects in more than one split ({len(shared)}): {named}"] if shared else []


def assign_splits(
    subjects: Iterable[str], shares: Sequence[float], seed: int = 0
) -> dict[str, str]:
    """Assigns subjects to splits at random, but reproducibly.

    Subjects are put in the order of a hash of seed and name and cut at the shares, so that neither
    the order nor the number of a subject's videos matters.

    Args:
      subjects: names, in any order, repeated or not.
      shares: of the subjects for each of `SPLITS`, adding up to 1; 0 for no such split.
      seed: another one deals differently.

    Returns:
      {subject: split}; every split with a share has at least one subject, else UserError is raised.
    """
    numbers = isinstance(shares, Sequence) and all(isinstance(n, int | float) for n in shares)
    if not numbers or len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise UserError(f"expected shares for {', '.join(SPLITS)} that add up to 1, got {shares}")
    ordered = sorted(
        set(subjects), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()
    )
    wanted = [split for split, share in zip(SPLITS, shares, strict=True) if share]
    if len(ordered) < len(wanted):
        raise UserError(
            f"expected at least {len(wanted)} subjects for the splits {', '.join(wanted)}, got "
            f"{len(ordered)}"
        )
    counts = [round(share * len(ordered)) or bool(share) for share in shares]
    while sum(counts) != len(ordered):  # what rounding left over or took too much
        largest = max(range(len(counts)), key=counts.__getitem__)
        counts[largest] += 1 if sum(counts) < len(ordered) else -1
    dealt = [split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
    return dict(zip(ordered, dealt, strict=True))
