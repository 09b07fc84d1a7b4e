"""Why the store refuses something, one class a reason.

Each message is one sentence that says what to do, fit to be shown as it stands.
"""

from core.errors import MienError


class StoreError(MienError):
    """Base of all that the store refuses."""

    kind = "store_error"


class StoreUnreachableError(StoreError):
    """The database cannot be opened or answered with an error of its own."""


class StoreBusyError(StoreError):
    """Another writer held the database for longer than the time-out."""


class StoreFullError(StoreError):
    """No space left for the database or for a file beside it."""


class StoreSettingError(StoreError):
    """A connection did not take a setting on which deletion depends."""


class StoreMissingError(StoreError):
    """There is no store where one was looked for."""

    kind = "store_missing"


class StoreTamperedError(StoreError):
    """Key, head and database do not belong together; nothing is made anew over that."""

    kind = "store_tampered"


class ClockBackwardsError(StoreError):
    """The clock stands before the newest audit row, so no honest date can be promised."""


class KeyFileError(StoreError):
    """Base of what can be wrong with the master key."""

    kind = "key_error"


class MasterKeyLostError(KeyFileError):
    """The store exists but its master key is missing or another one."""


class InvalidMasterKeyError(KeyFileError):
    """The given master key is not 32 bytes in base64."""


class KeyFileExposedError(KeyFileError):
    """Others than the owner may read the key file."""


class SealBrokenError(StoreError):
    """Sealed bytes cannot be opened: the key is destroyed or the bytes were changed."""


class AuditDetailError(StoreError, ValueError):
    """An audit detail that could hold personal data; a fault of the program, not of a person."""


class ConsentError(StoreError):
    """Base of the reasons for which nothing may be done with a photo."""

    kind = "consent_error"


class ConsentMissingError(ConsentError):
    """No consent to the purpose was given."""


class ConsentWithdrawnError(ConsentError):
    """The consent was given and taken back."""


class ConsentExpiredError(ConsentError):
    """The time for which consent was given is over."""


class ConsentOutdatedError(ConsentError):
    """The notice changed after the consent was given."""


class ConsentForgedError(ConsentError):
    """What the database says of a consent was not written by this program."""

    kind = "consent_forged"


class UseRefusedError(ConsentError):
    """The context of use is prohibited."""


class NoPolicyError(ConsentError):
    """No published retention policy or notice is active, so nothing may be stored."""


class UnknownCodeError(StoreError):
    """No consent is kept under the receipt code."""


class RetentionBoundsError(StoreError, ValueError):
    """A retention time outside the allowed days."""


class SignInError(StoreError):
    """Base of the reasons for which somebody is not let in as an admin."""


class WrongPasswordError(SignInError):
    """Name and password do not belong together."""


class LockedOutError(SignInError):
    """Too many failed sign-ins."""


class SessionEndedError(SignInError):
    """The sign-in timed out or was ended."""


class NotAllowedError(SignInError):
    """Signed in elsewhere, but not an admin here."""


class AdminAccountError(StoreError, ValueError):
    """An admin account that cannot be made or changed as asked."""
