"""What is believed of hidden size after censored fills: from counts to tails.

Owns: the counts that a fill leaves behind, and the Bayesian mixture that reads them. Pure
functions of counts: no forgetting, no venues' names. May not know: orders, time.

A venue has nothing at all with some probability (zero bin), else a size S. We send v and see
r = min(S, v): r < v shows S, r = v only that S is v or more (Ganchev et al. 2009). Of S we hold
- a mixture of parametric shapes (tails.py), by their likelihood, with a prior that the venues
  share: a family that explains the others is likelier here too;
- corrections of that mixture towards the product-limit estimate: a beta-Stacy process (Walker and
  Muliere 1997) centred on the mixture, which counts as much as `strength` observations: what no
  shape fits is learnt as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sor_gateway.sor.estimators.tails import FAMILY_PRIOR, FLOOR, Floats, Grid, Ints, Shapes

STRENGTHS: Final = (6.0, 40.0, np.inf)
"""How many observations the parametric mixture is worth against the product-limit estimate: one
correction each; infinite is the mixture itself."""
SHARING: Final = 0.5
"""How much a family's weight at another venue adds to its prior here."""
FILL_PRIOR: Final = (0.6, 2.0)
"""Contacts that filled, and all contacts, that the mean over venues starts from."""
FILL_STRENGTH: Final = 8.0
"""How many contacts of a venue the mean over all venues is worth."""


@dataclass(slots=True, frozen=True)
class Columns:
    """Where a venue's counts stand in its row: contacts, contacts that filled, then sizes seen by
    cell, and sizes known to be this large or larger by edge."""

    cells: int

    @property
    def width(self) -> int:
        """Numbers a venue has."""
        return 3 + 2 * self.cells

    def exact(self, counts: Floats) -> Floats:
        """Sizes seen, by cell."""
        return counts[..., 2 : 2 + self.cells]

    def censored(self, counts: Floats) -> Floats:
        """Sizes known to be at least this edge, by edge."""
        return counts[..., 2 + self.cells :]


@dataclass(slots=True, frozen=True)
class Seen:
    """One round, by venue: what was sent, what filled, and where on the grid that lies."""

    contacted: Ints
    """1 where anything was sent."""
    hit: Ints
    """1 where anything filled."""
    censored: Ints
    """1 where all of it filled."""
    cells: Ints
    fractions: Floats

    @classmethod
    def of(cls, grid: Grid, sent: Ints, filled: Ints) -> Seen:
        """Place a round on the grid. Sizes beyond its largest count as that one."""
        sent, filled = np.minimum(sent, grid.largest), np.minimum(filled, grid.largest)
        cells, fractions = grid.locate(np.maximum(filled, 1))
        hit = filled > 0
        return cls(
            (sent > 0).astype(np.int64),
            hit.astype(np.int64),
            (hit & (filled >= sent)).astype(np.int64),
            cells,
            fractions,
        )

    def add_to(self, counts: Floats, columns: Columns) -> None:
        """Count the round. A censored size between two edges counts in part at each."""
        counts[:, 0] += self.contacted
        counts[:, 1] += self.hit
        exact, censored = columns.exact(counts), columns.censored(counts)
        rows = np.arange(len(counts))
        exact[rows, self.cells] += self.hit * (1 - self.censored)
        censored[rows, self.cells] += self.censored * (1 - self.fractions)
        censored[rows, self.cells + 1] += self.censored * self.fractions


@dataclass(slots=True, frozen=True)
class Belief:
    """What is believed; the first axis is that of the evidence (several spans of time)."""

    fill: Floats
    """fill[e, k]: mean probability that the venue has anything."""
    doubt: Floats
    """Its standard deviation."""
    tails: Floats
    """tails[e, k, c, b] = P(size >= edges[b] | anything), by correction c."""
    families: Floats
    """families[e, k, f]: posterior weight of each family."""

    def likelihoods(self, seen: Seen) -> tuple[Floats, Floats]:
        """Of a round: of whether anything filled, [e, k], and of the size, [e, k, c]; the latter
        is 1 where nothing filled."""
        rows = np.arange(len(seen.cells))
        at = self.tails[:, rows, :, seen.cells].transpose(1, 0, 2)
        after = self.tails[:, rows, :, seen.cells + 1].transpose(1, 0, 2)
        part = seen.fractions[:, None]
        size = np.where(seen.censored[:, None] > 0, at * (1 - part) + after * part, at - after)
        size = np.where(seen.hit[:, None] > 0, np.maximum(size, FLOOR), 1.0)
        hit = np.where(seen.hit > 0, self.fill, 1 - self.fill)
        return np.where(seen.contacted > 0, hit, 1.0), size


def believe(
    spans: Floats, total: Floats, leaning: Floats, shapes: Shapes, columns: Columns
) -> Belief:
    """The belief on each span of evidence.

    `spans[e, k]` are counts of venue k in span e; `total[k]` all its counts, from which the venues'
    common fill probability comes; `leaning[k, f]` is how much the other venues are of family f.
    """
    weights = shape_weights(spans, leaning, shapes, columns)
    mixture = weights @ shapes.tails
    common = (total[:, 1].sum() + FILL_PRIOR[0]) / (total[:, 0].sum() + FILL_PRIOR[1])
    count = spans[..., 0] + FILL_STRENGTH
    fill = (spans[..., 1] + FILL_STRENGTH * common) / count
    doubt = np.sqrt(fill * (1 - fill) / (count + 1))
    return Belief(fill, doubt, corrected(mixture, spans, columns), weights @ shapes.members)


def shape_weights(spans: Floats, leaning: Floats, shapes: Shapes, columns: Columns) -> Floats:
    """Posterior weight of each shape, [e, k, m]."""
    prior = np.asarray(FAMILY_PRIOR) + SHARING * leaning
    prior /= prior.sum(axis=-1, keepdims=True)
    scores = columns.exact(spans) @ shapes.log_masses.T
    scores += columns.censored(spans) @ shapes.log_tails.T
    scores += np.log(prior) @ shapes.members.T + shapes.log_within
    scores -= scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def corrected(mixture: Floats, spans: Floats, columns: Columns) -> Floats:
    """The mixture's tails with each correction, [e, k, c, b].

    The posterior mean hazard of a cell is (strength * prior mass + seen in it) / (strength * prior
    tail + at risk in it): the process's update for censored data, on cells.
    """
    exact, censored = columns.exact(spans), columns.censored(spans)
    at_risk = from_the_end(exact) + from_the_end(censored)[..., 1:]
    at = mixture[..., :-1]
    mass = at - mixture[..., 1:]
    tails = np.empty((*mixture.shape[:2], len(STRENGTHS), mixture.shape[-1]))
    for each, strength in enumerate(STRENGTHS):
        if np.isinf(strength):
            tails[:, :, each] = mixture
            continue
        hazard = (strength * mass + exact) / (strength * at + at_risk + FLOOR)
        tails[:, :, each, 0] = 1.0
        np.cumprod(np.clip(1 - hazard, 0, 1), axis=-1, out=tails[:, :, each, 1:])
    return tails


def from_the_end(counts: Floats) -> Floats:
    """Sums of each entry and all behind it."""
    return counts[..., ::-1].cumsum(axis=-1)[..., ::-1]
