"""Second factors."""

from __future__ import annotations

import asyncio

import pyotp
from realchat_auth.service import Tokens
from service.auth.office import PASSWORD, Office
from sqlalchemy import text

from realchat_common.errors import Code
from realchat_common.identity import User

EMAIL = "alice@example.com"


class Phone:
    """An authenticator."""

    def __init__(self, office: Office, secret: str) -> None:
        self._office, self._totp = office, pyotp.TOTP(secret)

    def shows(self) -> str:
        return self._totp.at(self._office.now_ms // 1000)


async def _protected(office: Office) -> tuple[User, Phone, list[str]]:
    """Somebody with a second factor: their session, authenticator and recovery codes."""
    tokens = await office.registers()
    user = User(tokens.user_id, tokens.session_id)
    secret, _ = await office.credentials.begin_second_factor(user, PASSWORD)
    phone = Phone(office, secret)
    codes = await office.credentials.confirm_second_factor(user, phone.shows())
    office.passes(30)
    return user, phone, codes


async def _logs_in(office: Office, code: str = "") -> Tokens:
    return await office.accounts.log_in(EMAIL, PASSWORD, "", "", code)


async def _refused(office: Office, code: str = "") -> Code:
    return (await office.refused(_logs_in(office, code))).code


async def test_a_second_factor_is_asked_for_once_it_is_confirmed(office: Office) -> None:
    tokens = await office.registers()
    user = User(tokens.user_id, tokens.session_id)
    nothing = await office.refused(office.credentials.confirm_second_factor(user, "123456"))
    assert nothing.code is Code.SECOND_FACTOR_OFF
    wrong = await office.refused(office.credentials.begin_second_factor(user, "wrong horse"))
    assert wrong.code is Code.WRONG_PASSWORD
    await office.credentials.begin_second_factor(user, PASSWORD)
    secret, uri = await office.credentials.begin_second_factor(user, PASSWORD)  # lost the first
    assert secret in uri
    await _logs_in(office)  # not confirmed yet
    phone = Phone(office, secret)
    assert (await office.refused(office.credentials.confirm_second_factor(user, "letters"))).code is Code.WRONG_CODE
    codes = await office.credentials.confirm_second_factor(user, phone.shows())
    assert len(set(codes)) == 10
    assert await _refused(office) is Code.SECOND_FACTOR_REQUIRED
    assert await _refused(office, "letters") is Code.WRONG_CODE
    office.passes(30)
    await _logs_in(office, phone.shows())
    account = await office.credentials.account(user)
    assert await office.credentials.second_factor(account) == (True, 10)
    assert (await office.refused(office.credentials.begin_second_factor(user, PASSWORD))).code is Code.SECOND_FACTOR_ON


async def test_a_wrong_password_says_nothing_of_the_second_factor(office: Office) -> None:
    _, phone, _ = await _protected(office)
    for code in ("", phone.shows()):
        refusal = await office.refused(office.accounts.log_in(EMAIL, "wrong horse", "", "", code))
        assert refusal.code is Code.INVALID_CREDENTIALS


async def test_no_code_is_good_twice(office: Office) -> None:
    _, phone, _ = await _protected(office)
    code = phone.shows()
    outcomes = await asyncio.gather(*(_logs_in(office, code) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1
    assert await _refused(office, code) is Code.WRONG_CODE
    office.passes(30)
    await _logs_in(office, phone.shows())


async def test_guessing_codes_locks_the_account(office: Office) -> None:
    _, phone, _ = await _protected(office)
    codes = [await _refused(office, f"guess {n}") for n in range(6)]
    assert codes == [Code.WRONG_CODE] * 5 + [Code.LOCKED_OUT]
    office.passes(15)
    await _logs_in(office, phone.shows())


async def test_recovery_codes_open_the_account_once_each(office: Office) -> None:
    user, phone, codes = await _protected(office)
    await _logs_in(office, codes[0].lower().replace("-", " "))
    assert await _refused(office, codes[0]) is Code.WRONG_CODE
    assert await office.credentials.second_factor(await office.credentials.account(user)) == (True, 9)
    fresh = await office.credentials.renew_recovery_codes(user, PASSWORD, phone.shows())
    assert await _refused(office, codes[1]) is Code.WRONG_CODE
    await _logs_in(office, fresh[0])


async def test_a_second_factor_is_turned_off_by_both_proofs(office: Office) -> None:
    user, phone, codes = await _protected(office)
    remove = office.credentials.remove_second_factor
    assert (await office.refused(remove(user, "wrong horse", phone.shows()))).code is Code.WRONG_PASSWORD
    assert (await office.refused(remove(user, PASSWORD, "letters"))).code is Code.WRONG_CODE
    await remove(user, PASSWORD, codes[3])  # the phone is lost
    await _logs_in(office)
    assert (await office.refused(remove(user, PASSWORD, codes[4]))).code is Code.SECOND_FACTOR_OFF


async def test_secrets_are_sealed_and_recovery_codes_hashed(office: Office) -> None:
    tokens = await office.registers()
    user = User(tokens.user_id, tokens.session_id)
    secret, _ = await office.credentials.begin_second_factor(user, PASSWORD)
    codes = await office.credentials.confirm_second_factor(user, Phone(office, secret).shows())
    async with office.engine.connect() as connection:
        dump = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("second_factor", "recovery_code")
        ]
    assert secret not in str(dump)
    assert not any(code in str(dump) or code.replace("-", "") in str(dump) for code in codes)
