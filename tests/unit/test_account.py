"""The key of an account, which is data at rest."""

import pytest

from chalicelib.model.account import Account


@pytest.mark.parametrize("account_id", ["employees|7f3a", "name:5f0c2d", "imported#with|signs", ""])
def test_key_leads_back_to_its_account(account_id: str) -> None:
    account = Account("employees", account_id)

    assert account.key == f"employees#{account_id}"
    assert Account.of_key(account.key) == account
