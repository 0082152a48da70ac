"""Find the annotation of pydantic's models at the end of a path."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from infra.tenant.yaml_lines import Steps


def model_at(root: type[BaseModel], path: Steps) -> type[BaseModel]:
    """Return the model below a path of another one."""
    # Any: a type annotation has no type of its own that is of use here.
    here: Any = root
    for step in path:
        here = without_none(inner(here, step))
    found: type[BaseModel] = here
    return found


def inner(here: Any, step: str | int) -> Any:
    """Return the annotation below one step of a path: a model's field, a tuple's item, a dict's value."""
    return here.model_fields[step].annotation if is_model(here) else get_args(here)[isinstance(step, str)]


def without_none(annotation: Any) -> Any:
    """Return an annotation without the None that it allows, and without its metadata."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    if type(None) in get_args(annotation):
        return without_none(kinds[0])
    return kinds[0] if get_origin(annotation) is Annotated else annotation


def is_model(annotation: Any) -> bool:
    """Return whether an annotation is a model of pydantic."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
