"""How people's connections are taken: TLS, the mode of Unix sockets, and the number of worker processes."""

import re
from typing import Annotated

from pydantic import PlainValidator

from proxy.settings.files import FileToRead
from proxy.settings.section import Section, setting, written_as

MOST_WORKERS = 64


class Tls(Section):
    """TLS 1.2 or later on every TCP address of `listen`. Unix sockets stay plain."""

    certificate: FileToRead = setting(
        ...,
        "The certificate in PEM, followed by those that lead to its issuer. Read again when it changes.",
        examples=["/etc/muster/tls.crt"],
    )
    key: FileToRead = setting(
        ..., "Its private key in PEM, without a passphrase.", examples=["/etc/muster/tls.key"]
    )


def parse_mode(value: object) -> int:
    """Permission bits from octal text such as 0660. Raises ValueError with a sentence."""
    if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3}", value):
        raise ValueError('write the mode in octal and in quotes, such as "0660"')
    return int(value, 8)


SocketMode = Annotated[int, PlainValidator(parse_mode), written_as("octal", pattern="^0?[0-7]{3}$")]
