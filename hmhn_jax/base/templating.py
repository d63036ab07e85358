"""The environment in which all pages and cards are rendered."""

import jinja2

from hmhn_jax.base.notices import NOTICE


def environment(folder: str = "base/templates", **settings) -> jinja2.Environment:
    """Creates an environment of the package's folder; HTML is escaped, `NOTICE` is known.

    Names come from untrusted files, so that nothing is shown unescaped; a value that is missing
    raises.
    """
    made = jinja2.Environment(
        autoescape=jinja2.select_autoescape(["html"], default_for_string=True),
        loader=jinja2.PackageLoader("hmhn_jax", folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **settings,
    )
    made.globals["NOTICE"] = NOTICE
    return made
