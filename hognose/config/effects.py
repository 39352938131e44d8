"""Which settings of a configuration do nothing here, for the log at the start.

Existing files are taken as they are, with directives about things this server does not have. Whoever has set one of
those to something else than its default is told so.
"""

from hognose.config.directives import DIRECTIVES
from hognose.config.directives.record import NO_MEANING
from hognose.config.kinds import decode
from hognose.config.store import Config


def settings_without_effect(config: Config) -> list[str]:
    """A line for each directive that differs from its default and changes nothing.

    Args:
        config: As it was read at the start.
    """
    lines: list[str] = []
    for directive in DIRECTIVES:
        value = config.value(directive)
        if directive.has(NO_MEANING) and value != directive.default:
            shown = decode(directive.kind.show(value))
            lines.append(f"{directive.name} {shown} has no effect here. {directive.summary}")
    return lines
