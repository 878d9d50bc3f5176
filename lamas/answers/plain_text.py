"""How a short free-text answer is found in a solution text and brought to one form."""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable

from lamas.answers.final_answer import BOX, LAST_LINE, last_mark, tidy
from lamas.answers.found import NOTHING, Found

WRAPPED = re.compile(r"\\(?:text(?:bf|rm|it)?|mbox|mathrm)\s*\{([^{}]*)\}")
LONGEST_ANSWER = 2_000
# A sentence ends before a capital, unless an initial or an abbreviation stands before the stop.
SENTENCE_END = re.compile(
    r"(?<![\s.][A-Z])(?<!^[A-Z])(?<!\bSt)(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMt)(?<!\bFt)(?<!\bJr)"
    r"(?<!\bSr)(?<!\bNo)(?<!\bvs)(?<!\bMrs)(?<!\bGen)(?<!\bCol)(?<!\bInc)(?<!\bLtd)(?<!\bProf)"
    r"[.!?]\s+(?=[A-Z(])"
)
REASON = re.compile(
    r",?\s+(?:because|since|rather\s+than|instead\s+of)\s|,\s+(?:not|and\s+not|but\s+not|as)\s"
    r"|\s+[—–-]\s+(?:not|because|since|as)\s|;\s",
    re.IGNORECASE,
)
ARTICLES = re.compile(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’–—")


def find_text(text: str) -> Found:
    """The marked answer, else the last line that says something; no reason given for it."""
    return _found(text, canonical_text)


def find_squad(text: str) -> Found:
    """The same passage under SQuAD's normalisation, which HotpotQA and others use as well."""
    return _found(text, squad_text)


def extract_text(text: str) -> str | None:
    """Canonical form of the answer in a text; None without one."""
    return find_text(text).form


def find_as_written(text: str) -> Found:
    """The marked answer or all of the text as written, for a verifier that wants the spelling."""
    text = tidy(text)
    mark = last_mark(text)
    written = (mark.content if mark is not None else text).strip().strip("*$`").strip()
    place = mark.place if mark is not None else "all of the text"
    return (
        Found(form=written[:LONGEST_ANSWER], written=written, place=place) if written else NOTHING
    )


def canonical_text(text: str) -> str:
    """Case, blanks, quotes, markup and final punctuation do not tell answers apart."""
    text = WRAPPED.sub(r"\1", unicodedata.normalize("NFKC", text[:LONGEST_ANSWER]))
    text = re.sub(r"\*\*|\\[()\[\]]", "", text).casefold()
    # Marks nest ("**Paris.**", '"Yes".'), so peel until nothing changes.
    peeled = None
    while peeled != text:
        peeled = text
        text = text.strip(" \n\t*`$\"'“”‘’").rstrip(".!,;:")
    letter = re.fullmatch(r"[(\[]([a-z])[)\]]", text)
    return letter[1] if letter else re.sub(r"\s+", " ", text)


def squad_text(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous blanks (Rajpurkar et al. 2016)."""
    plain = WRAPPED.sub(r"\1", unicodedata.normalize("NFKC", text[:LONGEST_ANSWER])).lower()
    return " ".join(ARTICLES.sub(" ", plain.translate(PUNCTUATION)).split())


def squad_f1(reference: str, answer: str) -> float:
    """Overlap of words of two normalised texts, as SQuAD reports it beside exact matches."""
    wanted, given = reference.split(), answer.split()
    common = sum((Counter(wanted) & Counter(given)).values())
    return 2 * common / (len(wanted) + len(given)) if common else 0.0


def _found(text: str, canonical: Callable[[str], str]) -> Found:
    text = tidy(text)
    mark = last_mark(text)
    lines = [line for line in text.splitlines() if line.strip()]
    if mark is not None:
        # A box holds the answer alone; a sentence goes on.
        written = mark.content if mark.place == BOX else _without_reason(mark.content)
        place = mark.place
    else:
        written, place = (lines[-1] if lines else ""), LAST_LINE
    form = canonical(written)
    return Found(form=form, written=written.strip(), place=place) if form else NOTHING


def _without_reason(sentence: str) -> str:
    """ "Paris, not Rome. It is …" says Paris."""
    end = SENTENCE_END.search(sentence)
    head = sentence[: end.start()] if end else sentence
    reason = REASON.search(head)
    return head[: reason.start()] if reason and head[: reason.start()].strip() else head
