"""What a training run leaves behind, beside the trained model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class History:
    """Per epoch, the mean of each term of the loss, in nats per image unless the model says otherwise.

    `history["loss"]` is a list with a number per epoch; "val_loss" and its fellows are there where a validation part
    was asked for. seconds: training time per epoch. best_epoch: the epoch (from 0) whose weights were kept, where
    that was asked for. interrupted: training was stopped by hand. cached: nothing was trained; weights and figures
    were read from the cache.
    """

    terms: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    interrupted: bool = False
    cached: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs are complete."""
        return len(self.seconds)

    def __getitem__(self, term: str) -> list[float]:
        if term not in self.terms:
            raise KeyError(
                f"term: got {term!r}; accepted is one of {', '.join(map(repr, self.terms))}"
            )
        return self.terms[term]

    def __contains__(self, term: str) -> bool:
        return term in self.terms

    def lowest(self, term: str) -> float:
        """The lowest value so far; infinity before the first."""
        return min(
            (value for value in self.terms.get(term, []) if value == value), default=float("inf")
        )

    def add(self, terms: dict[str, float], seconds: float) -> None:
        """One more epoch."""
        for name, value in terms.items():
            self.terms.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    def plot(self, **options):
        """A figure of every term against the epoch; see `plots.history`."""
        from aecourse import plots

        return plots.history(self, **options)

    def as_dict(self) -> dict:
        """Plain numbers and lists, for a file."""
        return asdict(self)

    def __repr__(self) -> str:
        if not self.epochs:
            return "History(no epochs)"
        last = ", ".join(f"{name} {values[-1]:.2f}" for name, values in self.terms.items())
        how = (
            ", read from the cache" if self.cached else ", interrupted" if self.interrupted else ""
        )
        lines = "\n        " if len(self.terms) > 1 else " "  # one line would leave the page
        return (
            f"History({self.epochs} epochs in {sum(self.seconds):.1f} s{how};{lines}last: {last})"
        )
