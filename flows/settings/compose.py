"""How overrides on the command line become one resolved, validated configuration."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conf import FOLDER
from flows.settings import Settings, validate
from lamas.errors import ConfigurationError

# A run's configuration is recorded and shown; an override that takes a value from the environment
# would write an API key into it.
OmegaConf.clear_resolver("oc.env")
_LONGEST_KEY = 200
REMEDY = "`lamas --help` lists the groups, `lamas retrain --cfg job` the keys"


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """The configuration of `conf/` under Hydra `overrides`, interpolations kept.

    Must run in the main thread (Hydra's state is global). Raises ConfigurationError with Hydra's
    own explanation for an unknown group, option or key.
    """
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(config_dir=str(FOLDER), version_base="1.3"):
            return compose("lamas", overrides=[_open_key(item) for item in overrides])
    except OverrideParseException as error:
        raise ConfigurationError(
            f"configuration: the override {error.override.removeprefix('++')!r} cannot be read "
            f"({_one_line(error).split(' See https', 1)[0]}); quote a value that holds special "
            "characters, as in 'benchmark.question=\"{Body} {Question}\"'"
        ) from None
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise ConfigurationError(f"configuration: {_one_line(error)}; {REMEDY}") from None


def load_settings(overrides: Sequence[str]) -> Settings:
    """Compose, resolve and validate; ConfigurationError says what is wrong and where.

    Settings never change, so equal overrides are composed once in a process.
    """
    return _loaded(tuple(overrides))


@lru_cache(maxsize=32)
def _loaded(overrides: tuple[str, ...]) -> Settings:
    config = compose_config(overrides)
    try:
        content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigurationError(f"configuration: {_one_line(error)}; {REMEDY}") from None
    return validate(cast("dict[str, object]", content))


def as_yaml(settings: Settings) -> str:
    """The resolved configuration as `--cfg job` shows it."""
    return OmegaConf.to_yaml(settings.model_dump(mode="json"))


def _open_key(override: str) -> str:
    """Let `key=value` name a key that the configuration's files leave at its default.

    Validation, which knows every key, rejects the ones that do not exist.
    """
    key, separator, value = override.partition("=")
    if len(key) > _LONGEST_KEY:
        # Hydra looks for a file of that name, and no file system has one.
        raise ConfigurationError(
            f"configuration: the key {key[:40]!r}… has {len(key)} characters, the longest may have "
            f"{_LONGEST_KEY}; {REMEDY}"
        )
    if value == "~" or value.startswith("~/"):
        # A shell leaves the home folder to us behind an equals sign, and Hydra cannot read it.
        override = f"{key}='{Path(value).expanduser()}'"
    is_group = (FOLDER / key).is_dir()
    return f"++{override}" if separator and key[:1].isalpha() and not is_group else override


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.split(" Config search path", 1)[0].replace(" full_key:", ", key")
