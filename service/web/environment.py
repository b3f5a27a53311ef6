"""The templates: everything in them is escaped, and a name that is missing is an error."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from annotations.numerals import form, many


@cache
def environment() -> Environment:
    """The one environment of all pages."""
    made = Environment(
        loader=PackageLoader("service.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"many": many, "form": form}
    return made


@cache
def style() -> str:
    """The stylesheet, the same for every page."""
    loader = environment().loader
    if loader is None:
        raise RuntimeError("the templates are not installed")
    return loader.get_source(environment(), "style.css")[0]
