"""Receipts in words, for the terminal. Reads JSON facts, decides nothing."""

from collections.abc import Mapping
from typing import Any

from ui.gate import safe_text

Facts = Mapping[str, Any]  # JSON

_WHY = {
    "low": "the confidence was low",
    "complex": "the question is complex",
    "learned": "the fitted router decided",
    "sure": "not needed",
    "hopeless": "not even a verified answer would have been sure enough",
    "local-only": "what it would have to see may not leave",
    "budget": "the month's budget is used up",
    "attempts": "no attempt was left",
}


def text(facts: Facts) -> str:
    """Return one receipt, and its replay if there is one."""
    asker = facts["person"] and _plain(facts["person"])
    asker = asker or "somebody not known, or not kept any more"
    lines = [
        f"Answer      {facts['answer']}: {facts['status']}, confidence {facts['confidence']:.2f}",
        f"Asked       {facts['asked_at'][:19]} UTC by {asker}",
        f"Question    {_plain(facts['question'] or 'not kept any more')}",
        f"Index       generation {facts['generation']}",
    ]
    receipt = facts["receipt"]
    if receipt is None:
        lines.append("How it came about is not kept any more, see [journal] days.")
    else:
        lines += _receipt(receipt, facts["seconds"])
    if facts["larger_model"]:
        lines += _larger(facts["larger_model"])
    for number, attempt in enumerate(receipt["attempts"] if receipt else (), start=1):
        lines += ["", *_attempt(number, attempt)]
    if "replay" in facts:
        lines += ["", *_replay(facts["replay"])]
    return "\n".join(lines)


def _receipt(receipt: Facts, seconds: float) -> list[str]:
    first = receipt["first_token_s"]
    token = f", first token {first:.2f} s" if first is not None else ""
    versions = ", ".join(f"{part} {version}" for part, version in receipt["versions"].items())
    return [
        f"Searched    {_plain(receipt['query'])}",
        f"Made by     {versions}",
        f"Took        passages {receipt['retrieved_s']:.2f} s{token}, complete {seconds:.2f} s",
    ]


def _larger(decision: Facts) -> list[str]:
    why = _WHY.get(decision["why"], decision["why"])
    if not decision["called"]:
        return [f"Larger      {decision['model']} not called: {why}"]
    return [
        f"Larger      {decision['model']} called: {why}; {decision['outcome']}, "
        f"{decision['prompt_tokens']} + {decision['reply_tokens']} tokens, "
        f"cost {decision['cost']:.4f}, {decision['seconds']:.2f} s"
    ]


def _attempt(number: int, attempt: Facts) -> list[str]:
    prompt = f" ({attempt['prompt']})" if attempt["prompt"] else ""
    fate = "this is the answer" if attempt["answers"] else f"weak in {attempt['weakness']}"
    if not attempt["answers"] and attempt["weakness"] == "none":
        fate = "another attempt was surer"
    lines = [
        f"Attempt {number}   {attempt['model']}{prompt}, {attempt['passages']} passages: answered "
        f"there {attempt['likely']:.2f}, confidence {attempt['confidence']:.2f}, {fate}"
    ]
    lines += [_candidate(each) for each in attempt["candidates"]]
    return lines + [_sentence(each) for each in attempt["sentences"]]


def _candidate(candidate: Facts) -> str:
    marker = f"[{candidate['marker']}]" if candidate["marker"] else "-"
    scores = f"score {candidate['score']:.4f}"
    for name in ("cosine", "bm25"):
        if candidate[name] is not None:
            scores += f", {name} {candidate[name]:.2f}"
    return f"  {candidate['rank']:>2}. {marker:<4} {scores}  {_place(candidate)}"


def _place(candidate: Facts) -> str:
    if candidate["document"] is None:
        return "a document that its asker may not read any more"
    path = dict.fromkeys([candidate["title"], *(candidate["heading"] or "").split(" › ")])
    title = safe_text(" › ".join(filter(None, path)))
    changed = "" if candidate["state"] == "as then" else " (its text changed since)"
    return f"{_plain(candidate['document'])}  {title}{changed}"


def _sentence(sentence: Facts) -> str:
    head = f"  sentence {sentence['sentence']} ({sentence['words']} words): {sentence['outcome']}"
    match sentence["state"]:
        case None:
            return f"{head}, nothing that was found says so"
        case "as then":
            quote = " ".join(safe_text(sentence["quote"]).split())
            where = f"{sentence['document']} {sentence['start']}–{sentence['end']}"
            return f"{head} by “{quote}” {_plain(where)}"
        case state:
            return f"{head}, what it rests on is {state}"


def _replay(replay: Facts) -> list[str]:
    answer = replay["answer"]
    lines = [
        f"Replay      generation {replay['generation']}: {answer['status']}, "
        f"confidence {answer['confidence']:.2f}",
        f"  {safe_text(answer['text'])}",
    ]
    if replay["left_out"]:
        lines.append(
            f"  {replay['left_out']} documents of that generation were left out: its asker may "
            "not read them any more"
        )
    return lines + [f"  {_plain(each)}" for each in replay["changes"] or ("nothing changed",)]


def _plain(text: str) -> str:
    """Return what people typed, and ids, without what a terminal would obey."""
    return "".join(letter for letter in text if letter.isprintable())
