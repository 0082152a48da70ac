"""Make botocore and moto do once what they do for each session or call, because it takes much of the tests' time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from botocore.loaders import create_loader
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.core.utils import method_names_from_class

_slowly = XFormedAttributePicker.__call__


@contextmanager
def speed_up_moto() -> Iterator[None]:
    """Read botocore's own files once, not for each session, and spare moto some searches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        patch.setattr("moto.core.responses.method_names_from_class", cache(method_names_from_class))
        patch.setattr(XFormedAttributePicker, "__call__", _pick)
        yield


def _pick(self: XFormedAttributePicker, context: AttributePickerContext) -> Any:
    # moto looks for each type of a value under five spellings; DynamoDB has only one.
    if type(context.obj) is dict and getattr(context.shape, "parent", context.shape).name == "AttributeValue":
        return context.obj.get(context.key)
    return _slowly(self, context)
