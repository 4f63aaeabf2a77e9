"""What is wrong with a host's certificate, for people. Pure."""

import ssl
import time
from collections.abc import Mapping
from typing import Any, Final

_SECONDS_A_DAY: Final = 86_400

# https://docs.openssl.org/3.5/man1/openssl-verification-options/ and x509_vfy.h
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_UNKNOWN_ISSUER: Final = frozenset((2, 18, 19, 20, 21))
_OTHER_NAME: Final = frozenset((62, 64))


def days_left(certificate: Mapping[str, Any] | None) -> float | None:
    """Days until a certificate, as `getpeercert` gives it, expires; None when it does not say."""
    if not certificate or "notAfter" not in certificate:
        return None
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / _SECONDS_A_DAY


def complaint(error: Exception, host: str, variable: str) -> tuple[str, str]:
    """What a failed handshake means, and what to do.

    Args:
        error: What it ended with.
        host: Whom the certificate should name.
        variable: The setting that names the host.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _refused(error, host, variable)
    if not isinstance(error, ssl.SSLError):
        return f"the connection ended during TLS ({type(error).__name__})", f"Correct the port in {variable}."
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return "no TLS is spoken there", f"Correct the port in {variable}, or write http:// if that is meant."
    return f"TLS failed ({error.reason or type(error).__name__})", f"Look at that host's TLS, or correct {variable}."


def _refused(error: ssl.SSLCertVerificationError, host: str, variable: str) -> tuple[str, str]:
    """The same, of a certificate that was looked at."""
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired", "Whoever runs that host renews it; if it is new, this clock is wrong."
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet", "This machine's clock is behind, or the certificate was made wrong."
    if code in _OTHER_NAME:
        return f"its certificate is not for {host}", f"Write the name that the certificate has in {variable}."
    if code in _UNKNOWN_ISSUER:
        fix = (
            "Install ca-certificates. For a certificate authority of your own, name its file in SSL_CERT_FILE; "
            "behind a proxy that opens TLS, that proxy's."
        )
        return "its certificate is of an authority that this machine does not trust", fix
    return f"its certificate is refused (code {code})", "Look at it: openssl s_client -connect HOST:PORT."
