"""Four questions whose answers a reader learns by heart in a minute."""

from rag.tune.reader import Candidate, Row

PLACES = ("kitchen", "lab", "garage", "library")
ROWS = [
    Row(
        f"When does the {place} open?",
        tuple(Candidate(f"Hours: The {p} opens at {n}.", p == place) for n, p in enumerate(PLACES)),
    )
    for place in PLACES
]
