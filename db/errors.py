"""Why the store refuses something, one class a reason.

Each message is one sentence that says what to do, fit to be shown as it stands.
"""

from core.errors import MienError


class StoreError(MienError):
    """Base of all that the store refuses."""

    kind = "store_error"


class StoreUnreachableError(StoreError):
    """The database cannot be opened or answered with an error of its own."""

    kind = "store_unreachable"


class StoreBusyError(StoreError):
    """Another writer held the database for longer than the time-out."""

    kind = "store_busy"


class StoreFullError(StoreError):
    """No space left for the database or for a file beside it."""

    kind = "store_full"


class StoreSettingError(StoreError):
    """A connection did not take a setting on which deletion depends."""

    kind = "store_setting"


class ClockBackwardsError(StoreError):
    """The clock stands before the newest audit row, so no honest date can be promised."""

    kind = "clock_backwards"


class KeyFileError(StoreError):
    """Base of what can be wrong with the master key."""

    kind = "key_error"


class MasterKeyLostError(KeyFileError):
    """The store exists but its master key is missing or another one."""

    kind = "master_key_lost"


class InvalidMasterKeyError(KeyFileError):
    """The given master key is not 32 bytes in base64."""

    kind = "invalid_master_key"


class KeyFileExposedError(KeyFileError):
    """Others than the owner may read the key file."""

    kind = "key_file_exposed"


class SealBrokenError(StoreError):
    """Sealed bytes cannot be opened: the key is destroyed or the bytes were changed."""

    kind = "seal_broken"


class AuditDetailError(StoreError, ValueError):
    """An audit detail that could hold personal data; a fault of the program, not of a person."""

    kind = "audit_detail"


class ConsentError(StoreError):
    """Base of the reasons for which nothing may be done with a photo."""

    kind = "consent_error"


class ConsentMissingError(ConsentError):
    """No consent to the purpose was given."""

    kind = "consent_missing"


class ConsentWithdrawnError(ConsentError):
    """The consent was given and taken back."""

    kind = "consent_withdrawn"


class ConsentExpiredError(ConsentError):
    """The time for which consent was given is over."""

    kind = "consent_expired"


class ConsentOutdatedError(ConsentError):
    """The notice changed after the consent was given."""

    kind = "consent_outdated"


class UseRefusedError(ConsentError):
    """The context of use is prohibited."""

    kind = "use_refused"


class NoPolicyError(ConsentError):
    """No published retention policy or notice is active, so nothing may be stored."""

    kind = "no_policy"


class UnknownCodeError(StoreError):
    """No consent is kept under the receipt code."""

    kind = "unknown_code"


class RetentionBoundsError(StoreError, ValueError):
    """A retention time outside the allowed days."""

    kind = "retention_bounds"


class SignInError(StoreError):
    """Base of the reasons for which somebody is not let in as an admin."""

    kind = "sign_in"


class WrongPasswordError(SignInError):
    """Name and password do not belong together."""

    kind = "wrong_password"


class LockedOutError(SignInError):
    """Too many failed sign-ins."""

    kind = "locked_out"


class SessionEndedError(SignInError):
    """The sign-in timed out or was ended."""

    kind = "session_ended"


class NotAllowedError(SignInError):
    """Signed in elsewhere, but not an admin here."""

    kind = "not_allowed"


class AdminAccountError(StoreError, ValueError):
    """An admin account that cannot be made or changed as asked."""

    kind = "admin_account"
