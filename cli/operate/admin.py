"""`mien admin …`: local accounts that may see the admin part of the Ethics & Privacy page."""

from typing import Annotated

import typer

from cli.operate.store import opened_store

admin_app = typer.Typer(help="Manage the accounts of admins.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name to sign in with.")]


@admin_app.command()
def create(
    name: NameArgument,
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="MIEN_ADMIN_PASSWORD",
            help="At least 12 characters; asked for if not given.",
        ),
    ],
) -> None:
    """Add an admin."""
    from services.admin.sign_in import OPERATOR, create_admin

    with opened_store() as store:
        admin = create_admin(store, name, password, by=OPERATOR.actor)
    print(f"Added {admin.name}.")


@admin_app.command("list")
def list_all() -> None:
    """List the admins."""
    from services.admin.sign_in import list_admins

    with opened_store() as store:
        admins = list_admins(store)
    for admin in admins:
        print(f"{admin.name}  since {admin.created_at:%Y-%m-%d}  {_state(admin.disabled)}")
    if not admins:
        print("There are no admins; add one with `mien admin create NAME`.")


@admin_app.command()
def disable(name: NameArgument) -> None:
    """Lock an admin out for good and end their sign-ins."""
    _set_disabled(name, True)


@admin_app.command()
def enable(name: NameArgument) -> None:
    """Let an admin in again; also lifts a lockout after failed attempts."""
    _set_disabled(name, False)


def _set_disabled(name: str, disabled: bool) -> None:
    from services.admin.sign_in import OPERATOR, set_admin_disabled

    with opened_store() as store:
        admin = set_admin_disabled(store, name, disabled, by=OPERATOR.actor)
    print(f"{admin.name} is {_state(admin.disabled)}.")


def _state(disabled: bool) -> str:
    return "disabled" if disabled else "enabled"
