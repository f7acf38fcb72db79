"""What users chose: a generated film service whose tastes are known, and a reader for the MovieLens files that a reader has.

In the generated world a film is chosen where it is *shown* to a user and *liked*. Both probabilities are known for every
user and film, so that the best possible ranking is known, too (`World.ideal`). Whether a film is shown depends on its fame,
which has nothing to do with its quality, and on the user's taste: what is missing is not missing at random.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from aecourse import require, seeds
from aecourse.data import DataError, Split, standard

# Invented titles: each first part goes with each second part of its genre.
TITLES = {
    "science fiction": (
        "Nobody on|Rain over|The Clocks of|Last Bus to|A Garden on|Static from|Nine Suns of|Asleep near",
        "Ovelon|Tessaru|Kimbrae IV|Zunder|Mirrim|Halo Station|Quell|the Ninth Ring",
    ),
    "western": (
        "Dust at|Two Horses for|The Sheriff of|No Water in|A Fiddle in|Six Brothers from|The Widow of|Snow on",
        "Perdita Creek|Salt Mesa|Cobalt Ridge|Juniper Gulch|Coyote Bend|Old Amarga|Tin Cup Pass|Lonely Fork",
    ),
    "romance": (
        "Letters to|Dancing with|Seven Springs with|The Umbrella of|A Bench for|Lemons for|The Sister of|Not Quite",
        "Ottilie|Bastian|Marguerite|Ilse|Tomasz|Aurelia|Henrike|Leopold",
    ),
    "horror": (
        "The Cellar at|Something in|Do Not Knock at|The Children of|Midnight in|Who Walks at|Teeth of|It Waits in",
        "Wexcombe|Marrow House|Thirteen Elms|Grimsay Hall|Hollow Lane|Ravenmoor Farm|the Old Clinic|Pale Lake",
    ),
    "comedy": (
        "My Uncle's|Three Plumbers and a|Who Sold the|The Wrong|Honeymoon with a|Grandma's Second|Elected by a|Waltz for a",
        "Goose|Casserole|Tuba|Caravan|Walrus|Moustache|Trombone|Lawnmower",
    ),
    "crime": (
        "The Alibi of|A Bullet for|Nine Lies of|The Ledger of|Gloves for|The Silence of|A Debt to|Dinner with",
        "Inspector Quill|Signora Falk|the Lamplighter|Doctor Vane|the Ferryman|Madame Orsk|Lefty Brandt|the Notary",
    ),
    "family": (
        "The Very Small|Pip and the|How to Wash a|The Flying|Goodnight,|School for a|The Brave Little|A Birthday for the",
        "Hedgehog|Snowplough|Otter|Teapot|Dragonfly|Yak|Tugboat|Cloud",
    ),
    "documentary": (
        "A Year among|The Price of|What We Owe to|In Search of|The People of|A Short History of|Listening to|After the",
        "Lichens|Bridges|Glaciers|Eels|Salt|Kites|Wool|Lighthouses",
    ),
}
GENRES = tuple(TITLES)
AGES, REGIONS, MOODS = (
    5,
    4,
    4,
)  # groups that users say they belong to; what films differ in beside their genre
STRENGTH, HABIT = 1.3, 0.5  # of taste in liking; how far it moves what is shown, too
KEPT = 0.8  # share of a held-out user's choices that is given, as in Liang et al. 2018
WHERE = "https://grouplens.org/datasets/movielens"


@dataclass(frozen=True)
class Ratings:
    """Choices of users: who trains, who is held out, and what can be chosen.

    train       x [N, I] of zeros and ones: all choices of each user
    validation  users that are not in train: x the choices that are given (fold-in), held_out those to be found, both [N, I]
    test        the same, of other users
    titles      of the I items
    genres      [I, G]: 1 for the genre of an item, less for a second one, else 0; or None. genre_names: what its columns stand for
    """

    name: str
    train: Split
    validation: Split
    test: Split
    titles: tuple[str, ...]
    genres: Tensor | None = None
    genre_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int]:
        """(I,): the shape of a user's row, for models."""
        return (len(self.titles),)

    def history(self, *titles: str) -> Tensor:
        """The row [1, I] of a user who has chosen these titles. Raises ValueError for none, and for one that is not there."""
        if not titles:
            raise ValueError(
                "titles: got none; accepted is at least one, since an empty row says nothing"
            )
        row = torch.zeros(1, len(self.titles))
        for title in titles:
            if title not in self.titles:
                raise ValueError(
                    f"titles: got {require.described(title)}; accepted is one of {len(self.titles)} titles such as {self.titles[0]!r}"
                )
            row[0, self.titles.index(title)] = 1
        return row

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{part} {len(getattr(self, part))}" for part in ("train", "validation", "test")
        )
        return f"{type(self).__name__}({self.name!r}, {len(self.titles)} items, users: {sizes})"


@dataclass(frozen=True, repr=False)
class World(Ratings):
    """Generated choices, and all that made them. Every part has also `side`, int64 [N, 2] (age group, region), and
    shown, liked: [N, I], the probabilities that a film is shown to a user, and that it is chosen if it is shown.

    films    [I, K]: a one for the genre, 0.6 for a second one, and four moods
    fame     [I]: the logit of the probability to be shown to a user without taste
    quality  [I]: added to the logit of liking, for all users
    groups   [ages * regions, K]: the mean taste of each group of users
    activity mean and standard deviation over users of what is added to all logits of liking
    """

    films: Tensor = field(default_factory=lambda: torch.zeros(0))
    fame: Tensor = field(default_factory=lambda: torch.zeros(0))
    quality: Tensor = field(default_factory=lambda: torch.zeros(0))
    groups: Tensor = field(default_factory=lambda: torch.zeros(0))
    spread: float = 1.0
    activity: tuple[float, float] = (0.0, 1.0)

    def chances(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """Shown and liked, each [..., I], for users [..., K + 1]: a taste, and how active."""
        pull = STRENGTH * users[..., :-1] @ self.films.T
        shown = torch.sigmoid(self.fame + HABIT * pull)
        return shown, torch.sigmoid(users[..., -1:] + self.quality + pull)

    def ideal(self, x: Tensor, samples: int = 50, seed: int = 0) -> tuple[Tensor, Tensor]:
        """The best that can be known of users from the choices x [N, I] alone, as two scores [N, I]: the expected probability
        that a film is among the held-out choices, and that it is liked if it is shown.

        The world is known to the last number; the taste of the user is not. Its posterior is sampled: draws from a wide Gaussian
        at its mode, weighted by prior times likelihood over draw density. The order of the first score has the largest
        expected number of hits among the first k, and the largest expected discounted gain, for every k.
        """
        require.batch("x", x, self.shape)
        parts = x.split(125)
        with seeds.fixed(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(require.integer("seed", seed, low=0))
            found = [
                _posterior_means(self, part, require.integer("samples", samples)) for part in parts
            ]
        return torch.cat([each[0] for each in found]), torch.cat([each[1] for each in found])


@standard()
def world(users: int = 4000, held_out: int = 600, seed: int = 0) -> World:
    """A film service with 512 invented films of eight genres and users whose tastes are known; the same bytes at every call.

    users     who train
    held_out  who are tested; half as many more are for validation
    seed      of another world

    Tastes are Gaussian with a mean that depends on age group and region. A film is shown to a user with a probability that
    falls with its place in a list of fame (0.95 for the first, 0.95 / r^0.4 for place r), moved by the user's taste; it is chosen
    if it is shown and liked. Of a held-out user's choices each is given with a probability of 0.8 and to be found
    otherwise. Users with fewer than five choices, or with nothing given or to be found, are left out.
    """
    users, held_out = require.integer("users", users), require.integer("held_out", held_out, low=2)
    g = torch.Generator()
    with seeds.fixed():
        g.manual_seed(require.integer("seed", seed, low=0))
    titles = [
        f"{first} {second}"
        for firsts, seconds in TITLES.values()
        for first in firsts.split("|")
        for second in seconds.split("|")
    ]
    count, k = len(titles), len(GENRES) + MOODS
    genres = torch.eye(len(GENRES)).repeat_interleave(count // len(GENRES), 0)
    second = torch.eye(len(GENRES))[torch.randint(len(GENRES), (count,), generator=g)]
    second = second * (torch.rand(count, 1, generator=g) < 0.4) * (1 - genres)
    films = torch.cat([genres + 0.6 * second, 0.5 * torch.randn(count, MOODS, generator=g)], 1)
    place = 1 + torch.randperm(count, generator=g)
    of_ages = torch.randn(AGES, k, generator=g) * 0.4
    of_regions = torch.randn(REGIONS, k, generator=g) * 0.4
    made = World(
        "world",
        *[Split(torch.zeros(0, count))] * 3,
        titles=tuple(titles),
        genres=genres + 0.6 * second,
        genre_names=GENRES,
        films=films,
        fame=torch.logit(0.95 / place**0.4),
        quality=0.5 * torch.randn(count, generator=g),
        groups=(of_ages[:, None] + of_regions).flatten(0, 1),
        spread=0.8,
        activity=(-1.0, 0.5),
    )
    rest = held_out + held_out // 2
    train, others = _users(made, users, g), _users(made, rest, g, KEPT)
    return replace(made, train=train, validation=others[held_out:], test=others[:held_out])


def _users(world: World, n: int, g: torch.Generator, kept: float = 1.0) -> Split:
    """n users and their choices; with `kept` below 1, each choice is given with this probability and held out otherwise."""
    made, count = [], 0
    while count < n:
        side = torch.stack(
            [torch.randint(size, (2 * n,), generator=g) for size in (AGES, REGIONS)], 1
        )
        mean = world.groups[side[:, 0] * REGIONS + side[:, 1]]
        taste = mean + world.spread * torch.randn(mean.shape, generator=g)
        active = world.activity[0] + world.activity[1] * torch.randn(2 * n, 1, generator=g)
        shown, liked = world.chances(torch.cat([taste, active], 1))
        chosen = torch.rand(shown.shape, generator=g) < shown * liked
        given = chosen & (torch.rand(shown.shape, generator=g) < kept)
        found = chosen & ~given
        fits = (chosen.sum(1) >= 5) & given.any(1) & (found.any(1) | (kept == 1))
        more = {} if kept == 1 else {"held_out": found.float()}
        made.append(Split(given.float(), side=side, shown=shown, liked=liked, **more)[fits])
        count += int(fits.sum())
    return Split(
        **{name: torch.cat([part.columns[name] for part in made])[:n] for name in made[0].columns}
    )


def _posterior_means(world: World, x: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """The two scores of `World.ideal` for one part of the users."""
    center, width = world.activity
    # Without checks of the values, which older versions of torch cannot do inside `vmap`.
    group = Independent(Normal(world.groups, world.spread, validate_args=False), 1)
    of_groups = Categorical(torch.ones(len(world.groups)))
    prior = MixtureSameFamily(of_groups, group, validate_args=False)

    def log_joint(users: Tensor, x: Tensor) -> Tensor:
        shown, liked = world.chances(users)
        given = KEPT * shown * liked
        fit = torch.where(x > 0, given.log(), torch.log1p(-given)).sum(-1)
        alive = (users[..., -1] - center) / width
        return fit + prior.log_prob(users[..., :-1]) - 0.5 * alive.square()

    users = torch.zeros(len(x), world.films.shape[1] + 1)
    users[:, -1] = center
    users.requires_grad_()
    optimizer = torch.optim.Adam([users], lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        (-log_joint(users, x).sum()).backward()
        optimizer.step()
    mode = users.detach()
    curve = torch.func.vmap(
        torch.func.hessian(lambda u, row: -log_joint(u[None], row[None]).sum())
    )(mode, x)
    values, vectors = torch.linalg.eigh(curve.detach())
    wide = 1.2 * vectors * values.clamp_min(0.5).rsqrt()[:, None]
    eps = torch.randn(samples, *mode.shape)
    draws = mode + (wide @ eps[..., None])[..., 0]
    with torch.no_grad():
        weight = torch.softmax(log_joint(draws, x) + 0.5 * eps.square().sum(-1), 0)[..., None]
        shown, liked = world.chances(draws)
        chosen = shown * liked
        hidden = (1 - KEPT) * chosen / (1 - KEPT * chosen)
        return (weight * hidden).sum(0), (weight * liked).sum(0)


# --- MovieLens ----------------------------------------------------------------------------------------------------


@standard()
def movielens(
    folder, *, threshold: float = 4.0, least: int = 5, held_out: int | None = None, seed: int = 0
) -> Ratings:
    """The ratings in a folder of MovieLens as choices: what was rated at least `threshold` counts as chosen.

    folder     with ratings.csv, ratings.dat or u.data as they come from https://grouplens.org/datasets/movielens; nothing is
               downloaded. Titles are taken from movies.csv, movies.dat or u.item where one of these is there
    threshold  in stars
    least      users with fewer choices are left out
    held_out   how many users are for the test, and as many for validation; by default a tenth each
    seed       of who is held out, and of which of their choices is given (80 % of them)

    Films that no training user chose are left out. Raises DataError where a file is missing or cannot be read.
    """
    folder = Path(folder).expanduser()
    kinds = {"ratings.csv": ",", "ratings.dat": "::", "u.data": "\t"}
    name = next((name for name in kinds if (folder / name).is_file()), None)
    if name is None:
        raise DataError(
            f"folder: got {str(folder)!r} without {', '.join(kinds)}; accepted is an unpacked folder of MovieLens, see {WHERE}"
        )
    users, films, stars = _rows(folder / name, kinds[name])
    negative = (stars < 0).nonzero()
    if len(negative):
        raise DataError(
            f"folder: got a rating of {stars[negative[0, 0]].item():g} in {folder / name}; accepted are ratings of at least 0"
        )
    chosen = stars >= require.number("threshold", threshold)
    _, users = users[chosen].unique(return_inverse=True)
    keys, films = films[chosen].unique(return_inverse=True)
    if 4 * (users.max().item() + 1 if len(users) else 0) * len(keys) > 8e9:
        raise DataError(
            f"folder: got {len(keys):,} films and {users.max().item() + 1:,} users, too many for one dense table; accepted are up to "
            "two thousand million cells: ml-latest-small, ml-100k, ml-1m"
        )
    x = torch.zeros(int(users.max()) + 1 if len(users) else 0, len(keys))
    x[users, films] = 1
    x = x[x.sum(1) >= max(2, require.integer("least", least))]
    n = len(x) // 10 if held_out is None else require.integer("held_out", held_out)
    if not n or 2 * n >= len(x):
        raise DataError(
            f"held_out: got {n} twice for {len(x)} users with {least} choices or more; accepted is less than half of them, and at least 1"
        )
    g = torch.Generator().manual_seed(require.integer("seed", seed, low=0))
    x = x[torch.randperm(len(x), generator=g)]
    known = x[2 * n :].any(0)
    x, keys = x[:, known], keys[known]
    names = _titles(folder)
    parts = _folded(x[:n], g), _folded(x[n : 2 * n], g)
    return Ratings(
        f"MovieLens ({folder.name})",
        Split(x[2 * n :]),
        parts[1],
        parts[0],
        tuple(names.get(int(key), f"film {int(key)}") for key in keys),
    )


def _rows(path: Path, separator: str) -> tuple[Tensor, Tensor, Tensor]:
    """Users, films and stars of a file of ratings, each [N]."""
    found = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"folder: cannot read {path} ({error}); accepted is a file as MovieLens has it"
        ) from error
    for number, line in enumerate(lines[separator == "," :], 1 + (separator == ",")):
        try:
            user, film, stars = line.split(separator)[:3]
            found.append((int(user), int(film), float(stars)))
        except ValueError:
            raise DataError(
                f"folder: got {require.described(line)} in line {number} of {path}; accepted is user{separator}film{separator}rating"
            ) from None
    table = torch.tensor(found, dtype=torch.float64).view(-1, 3)
    return table[:, 0].long(), table[:, 1].long(), table[:, 2]


def _titles(folder: Path) -> dict[int, str]:
    """Film number -> title, from whichever file of titles is there."""
    import csv

    names: dict[int, str] = {}
    for name, separator in (("movies.csv", ","), ("movies.dat", "::"), ("u.item", "|")):
        if (folder / name).is_file():
            lines = (
                (folder / name).read_text("utf-8" if separator == "," else "latin-1").splitlines()
            )
            rows = (
                csv.reader(lines) if separator == "," else (line.split(separator) for line in lines)
            )
            names |= {int(row[0]): row[1] for row in rows if len(row) > 1 and row[0].isdecimal()}
    return names


def _folded(x: Tensor, g: torch.Generator) -> Split:
    """Users' choices in two: given (at least one) and held out (a fifth, at least one)."""
    order = torch.where(x > 0, torch.rand(x.shape, generator=g), 2.0).argsort(1).argsort(1)
    hidden = ((1 - KEPT) * x.sum(1, keepdim=True)).floor().clamp_min(1)
    return Split(x * (order >= hidden), held_out=x * (order < hidden))
