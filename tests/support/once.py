"""Do once what botocore and moto would do for each session or call, as it takes much of the tests' time."""

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
    """Read botocore's own files once, as each `gatehouse` command makes a session, and spare moto some searches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        patch.setattr("moto.core.responses.method_names_from_class", cache(method_names_from_class))
        patch.setattr(XFormedAttributePicker, "__call__", _pick)
        yield


def _pick(self: XFormedAttributePicker, context: AttributePickerContext) -> Any:
    # moto looks for each type that a value could have under five spellings; DynamoDB's have the one.
    if type(context.obj) is dict and getattr(context.shape, "parent", context.shape).name == "AttributeValue":
        return context.obj.get(context.key)
    return _slowly(self, context)
