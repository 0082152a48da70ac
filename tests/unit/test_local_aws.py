"""AWS inside this process: what a long run of it keeps."""

import gc

from tests.support.http import Http


def live_items() -> int:
    """Count the DynamoDB items in memory, those that moto has no table for any more too.

    By name: an import here would do what the local run has to do by itself.
    """
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    return sum(kind.__name__ == "Item" and kind.__module__.startswith("moto.dynamodb.") for kind in kinds)


def test_logins_leave_no_copies_of_the_store_in_memory(http: Http) -> None:
    http.login()
    before = live_items()
    assert before > 0

    for _ in range(5):
        assert http.login().status_code == 200

    assert live_items() == before
