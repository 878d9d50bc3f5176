"""The agent steps: one file and one prompt file an operator, one explicit catalogue."""

from lamas.operators.catalogue import (
    CATALOGUE_NAMES,
    ENTRIES,
    Catalogue,
    asking_operators,
    unused_later,
)
from lamas.operators.chain import Chain, ChainScope
from lamas.operators.operator import AnswerReader, Operator
from lamas.operators.prompts import PROMPT_FOLDER, PROMPT_SETS, PromptLibrary, prompts_digest
from lamas.operators.sanity import SANITY_NAMES, sanity_entries
from lamas.operators.settings import CallSettings, EnsembleMethod, OperatorSettings, parted
from lamas.operators.state import Candidate, SolutionState

__all__ = [
    "CATALOGUE_NAMES",
    "ENTRIES",
    "PROMPT_FOLDER",
    "PROMPT_SETS",
    "SANITY_NAMES",
    "AnswerReader",
    "CallSettings",
    "Candidate",
    "Catalogue",
    "Chain",
    "ChainScope",
    "EnsembleMethod",
    "Operator",
    "OperatorSettings",
    "PromptLibrary",
    "SolutionState",
    "asking_operators",
    "parted",
    "prompts_digest",
    "sanity_entries",
    "unused_later",
]
