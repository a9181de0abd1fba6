"""[model.large]: the larger model, what it may see, what it may cost, and what it has cost."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import engines
from ui.settings import LargeSection, Settings, SettingsError

if TYPE_CHECKING:
    from rag.cascade import Cascade
    from rag.spending import Budget, Spending

ROUTER = "router.json"  # in the data directory


def larger(settings: Settings) -> "Cascade | None":
    """Return the larger model under its terms; None where none is set."""
    section = settings.model.large
    if section is None:
        return None
    from rag import router
    from rag.cascade import Cascade, Terms

    terms = Terms(
        may_leave=frozenset(each.name for each in settings.sources if not each.local_only),
        below=section.below,
        router=router.load(section.router) if section.router else None,
        prompt_tokens=section.prompt_tokens,
        reply_tokens=section.max_tokens,
        timeout_s=section.timeout_s,
    )
    return Cascade(engines.larger(section), terms, _spending(settings, section), _now)


def without(settings: Settings) -> Settings:
    """Return the settings without the larger model: its budget is for people's questions."""
    local = settings.model.model_copy(update={"large": None})
    return settings.model_copy(update={"model": local})


def status(settings: Settings, now: datetime) -> dict[str, Any] | None:
    """Return this month's use of the larger model; None where none is set."""
    section = settings.model.large
    if section is None:
        return None
    from index.live import FILE
    from rag.spending import Use

    kept = (settings.data_dir / FILE).exists()
    used = _spending(settings, section).used(now) if kept else Use()
    budget = _budget(section)
    dearest = budget.price(section.prompt_tokens, section.max_tokens)
    return {
        "name": section.name,
        "month": f"{now:%Y-%m}",
        "requests": used.requests,
        "requests_per_month": section.requests_per_month,
        "cost": round(used.cost, 6),
        "cost_per_month": section.cost_per_month,
        "currency": section.currency,
        "prompt_tokens": used.prompt_tokens,
        "reply_tokens": used.reply_tokens,
        "used_up": not budget.has_room(used, dearest),
    }


def refit(settings: Settings, out: Path | None) -> str:
    """Fit the router to the logged outcomes, write it as JSON, return how well it does.

    out: default: router.json in the data directory. Raises RouterError, SettingsError.
    """
    from index.live import Live
    from rag.router import RouterError
    from rag.spending import Budget, Spending
    from rag.tune import router as fitting
    from ui import wiring

    file = out or settings.data_dir / ROUTER
    if file.resolve().is_relative_to(wiring.packaged("rag").resolve()):
        raise SettingsError(f"{file} is in the program's own folder. Write somewhere else.")
    if not settings.data_dir.is_dir():
        raise RouterError(f"There is no {settings.data_dir}: nothing was asked yet.")
    votes = {vote.answer_id: vote for vote in wiring.journal(settings).feedback()}
    decisions = Spending(Live(settings.data_dir), Budget()).decisions()
    fitted = fitting.fit(fitting.outcomes(decisions, votes))
    file.write_text(json.dumps(fitted.table, indent=1) + "\n", encoding="utf-8")
    return f"{fitted.figures}\n{file}: name it in [model.large] router to decide with it."


def _spending(settings: Settings, section: LargeSection) -> "Spending":
    from index.live import Live
    from rag.spending import Spending

    return Spending(Live(settings.data_dir), _budget(section))


def _budget(section: LargeSection) -> "Budget":
    from rag.spending import Budget

    return Budget(
        requests=section.requests_per_month,
        cost=section.cost_per_month,
        per_1k_prompt=section.cost_per_1k_prompt_tokens,
        per_1k_reply=section.cost_per_1k_reply_tokens,
    )


def _now() -> datetime:
    return datetime.now(UTC)
