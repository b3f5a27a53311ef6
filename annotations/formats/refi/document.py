"""XML from elsewhere: no entities, no outside references, and within limits."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from annotations.errors import InputError, Problem
from annotations.formats.archive import LimitedBuilder, TooMuch

MOST_ELEMENTS = 400_000
"""Elements that a document may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document's root, its names without namespaces, and its processing instructions."""

    root: Element
    instructions: tuple[str, ...]


def parse(file: str, content: bytes) -> Document:
    """Parse a document; InputError where it is no XML, declares entities, or is too large."""
    target = _Target()
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        parser.feed(content)
        root = parser.close()
    except TooMuch as error:
        raise _refusal(file, str(error)) from error
    except DefusedXmlException as error:
        message = "declares a document type or entities, which no such file needs; export it again"
        raise _refusal(file, message) from error
    except ParseError as error:
        line = error.position[0] if hasattr(error, "position") else None
        message = f"not valid XML ({error}); export it again"
        raise InputError(Problem(file=file, line=line, message=message)) from error
    except (ValueError, LookupError, AssertionError) as error:
        raise _refusal(file, f"not valid XML ({error}); export it again") from error
    return Document(root=root, instructions=tuple(target.instructions))


class _Target(LimitedBuilder):
    """Builds the tree without namespaces, and keeps the instructions."""

    def __init__(self) -> None:
        super().__init__(MOST_ELEMENTS)
        self.instructions: list[str] = []

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        return super().start(_local(tag), {_local(name): text for name, text in attrs.items()})

    def end(self, tag: str, /) -> Element:
        return super().end(_local(tag))

    def pi(self, target: str, text: str | None = None, /) -> None:  # type: ignore[override] # nothing goes into the tree
        self.instructions.append(f"{target} {text or ''}")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _refusal(file: str, message: str) -> InputError:
    return InputError(Problem(file=file, line=None, message=message))
