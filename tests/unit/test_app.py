"""The entry point."""

import gc

import app


def test_garbage_is_collected_once_the_app_is_there() -> None:
    assert app.app.routes
    assert gc.isenabled()
