"""Where prompts lie, how they are written, and whether they can be used.

A prompt file is `<folder>/<family>/<operator>.md`, or `<folder>/<operator>.md` for all families. It
holds one template called `main`, or several, each after a line `## prompt: <name>` (text before
the first such line is a remark). A template is one user message, or several messages, each after a
line `[system]`, `[user]` or `[assistant]`. `$name` or `${name}` stands for a value, `$$` for a
dollar sign; braces and backslashes mean nothing, so LaTeX is safe on both sides.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal, cast

from lamas.domain import TASK_FAMILIES, ChatMessage, TaskFamily, digest
from lamas.errors import OperatorError

PROMPT_FOLDER = Path(__file__).parent / "prompts"
FEW_SHOT_FOLDER = Path(__file__).parent / "prompts_few_shot"
"""Dialogues with examples, for models too small to follow an instruction alone."""

QUESTION_LAST_FOLDER = Path(__file__).parent / "prompts_question_last"
"""As first released, where a question came behind a sentence: their runs are gone on with."""

PROMPT_SETS: Mapping[str, Path] = {
    "zero_shot": PROMPT_FOLDER,
    "few_shot": FEW_SHOT_FOLDER,
    "question_last": QUESTION_LAST_FOLDER,
}

_TEMPLATE_HEADING = re.compile(r"^## prompt: *(\S+) *$", re.MULTILINE)
_ROLE_HEADING = re.compile(r"^\[(system|user|assistant)\] *$", re.MULTILINE)
_Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Places:
    """The values a template must show, and those it may."""

    required: AbstractSet[str] = frozenset()
    optional: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """Messages with places for values."""

    source: str
    """File and template name, for error messages."""
    messages: tuple[tuple[_Role, Template], ...]

    @property
    def names(self) -> frozenset[str]:
        """Every place in it."""
        return frozenset(
            name for _, template in self.messages for name in template.get_identifiers()
        )

    def render(self, values: Mapping[str, str]) -> tuple[ChatMessage, ...]:
        """The messages with `values` filled in; values are taken literally, whatever they hold."""
        return tuple(
            ChatMessage(role=role, content=template.substitute(values))
            for role, template in self.messages
        )


class PromptLibrary:
    """Reads each prompt file once; raises OperatorError for one that is missing or invalid.

    What `folder` lacks is taken from the zero-shot prompts, so a set may hold only what differs.
    """

    def __init__(self, folder: Path = PROMPT_FOLDER) -> None:
        if not folder.is_dir():
            raise OperatorError(
                f"there is no prompt folder {folder}: give a folder of prompt files, or one of "
                f"{', '.join(PROMPT_SETS)}"
            )
        self.folder = folder
        self._files: dict[Path, Mapping[str, PromptTemplate]] = {}

    def template(
        self, family: TaskFamily, operator: str, name: str, places: Places
    ) -> PromptTemplate:
        """The template `name` of an operator, checked to use all required places and no others
        than those and the optional ones.
        """
        path = self._path(family, operator)
        templates = self._load(path)
        template = templates.get(name)
        if template is None:
            raise OperatorError(
                f"prompt file {path} has no template {name!r}, only {', '.join(templates)}: "
                f"add a line '## prompt: {name}' and the text below it"
            )
        missing = places.required - template.names
        unknown = template.names - places.required - places.optional
        if unknown:
            known = ", ".join(f"${item}" for item in sorted(places.required | places.optional))
            raise OperatorError(
                f"prompt {template.source} uses ${', $'.join(sorted(unknown))}, "
                f"{operator} offers {known}; write $$ for a dollar sign"
            )
        if missing:
            raise OperatorError(
                f"prompt {template.source} never uses ${', $'.join(sorted(missing))}: "
                "the model would not see it"
            )
        return template

    def templates(self, path: Path) -> Mapping[str, PromptTemplate]:
        """Every template of one prompt file by its name, unchecked."""
        return self._load(path)

    def digest(self, *, without: AbstractSet[str] = frozenset()) -> str:
        """Digest of the text of every prompt file that may be used; `without` those operators'."""
        texts = {
            path.relative_to(folder).as_posix(): _read(path)
            for folder in (PROMPT_FOLDER, self.folder)
            for path in sorted(folder.rglob("*.md"))
            if path.stem not in without
        }
        return digest(texts)

    def _path(self, family: TaskFamily, operator: str) -> Path:
        if family not in TASK_FAMILIES:
            raise OperatorError(f"no prompts for family {family!r}: {', '.join(TASK_FAMILIES)}")
        own = self.folder / family / f"{operator}.md"
        places = (
            own,
            self.folder / f"{operator}.md",
            PROMPT_FOLDER / family / f"{operator}.md",
        )
        return next((path for path in places if path.is_file()), own)

    def _load(self, path: Path) -> Mapping[str, PromptTemplate]:
        if path not in self._files:
            self._files[path] = _parse(path, _read(path))
        return self._files[path]


def prompts_digest(folder: Path = PROMPT_FOLDER, *, without: AbstractSet[str] = frozenset()) -> str:
    """Digest of every prompt but those of `without`: part of what determines a run's results."""
    return PromptLibrary(folder).digest(without=without)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OperatorError(
            f"prompt file {path} is missing: write it or drop the operator"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"prompt file {path} cannot be read: {error}") from error


def _parse(path: Path, text: str) -> Mapping[str, PromptTemplate]:
    # re.split with one group alternates: remark, name, body, name, body …
    parts = _TEMPLATE_HEADING.split(text)
    if len(parts) == 1:
        return {"main": _template(f"{path} (main)", text)}
    templates: dict[str, PromptTemplate] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in templates:
            raise OperatorError(f"prompt file {path} defines the template {name!r} twice")
        templates[name] = _template(f"{path} ({name})", body)
    return templates


def _template(source: str, text: str) -> PromptTemplate:
    parts = _ROLE_HEADING.split(text)
    if len(parts) > 1 and parts[0].strip():
        raise OperatorError(f"prompt {source}: text stands before the first [role] line")
    pairs = list(zip(parts[1::2], parts[2::2], strict=True)) or [("user", text)]
    messages: list[tuple[_Role, Template]] = []
    for role, body in pairs:
        template = Template(body.strip())
        if not template.template:
            raise OperatorError(f"prompt {source}: the {role} message is empty")
        if not template.is_valid():
            raise OperatorError(
                f"prompt {source}: a '$' is followed by no name; write $$ for a dollar sign"
            )
        messages.append((cast("_Role", role), template))
    return PromptTemplate(source, tuple(messages))
