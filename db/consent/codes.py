"""Receipt codes: 20 characters that a person can write down, 100 random bits.

Only a keyed hash of a code is stored, so that neither the database nor a copy of it helps to
find or to guess one.
"""

import secrets

from db.seal.master_key import Keys, keyed_hash

# Crockford's base 32: no I, L, O, U, so that no character is mistaken for another.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})
CODE_CHARACTERS = 20
GROUP_CHARACTERS = 5


def new_code() -> str:
    """A fresh code, in groups of five: `K7Q2M-…`."""
    characters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))
    groups = range(0, CODE_CHARACTERS, GROUP_CHARACTERS)
    return "-".join(characters[start : start + GROUP_CHARACTERS] for start in groups)


def normal_form(code: str) -> str:
    """The code as it was made, however it was typed.

    Examples:
        >>> normal_form(" k7q2m-o0il1 ")
        'K7Q2M00111'
    """
    return code.strip().upper().translate(MISREAD)


def code_hash(keys: Keys, code: str) -> str:
    """Under which a subject is found."""
    return keyed_hash(keys.receipt, normal_form(code))


def answer_hash(keys: Keys, code: str) -> str:
    """Under which the answer to an erasure is found; not computable from `code_hash`."""
    return keyed_hash(keys.answer, normal_form(code))
