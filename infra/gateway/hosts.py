"""Judge the hosts that a server listens on, and those that its requests name."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServedHosts:
    """The hosts that a request for a page may name.

    host: the address that the run listens on. urls: those that it is reached by.
    Any name may lead to this machine (DNS rebinding): a page of a foreign site could read the codes in the outbox.
    """

    host: str
    urls: tuple[str, ...]

    def has(self, header: str) -> bool:
        """Return whether a Host header, or the host of an Origin, names what is served."""
        try:
            asked = urlsplit(f"//{header}")
            own = [(urlsplit(url).hostname, _port(urlsplit(url))) for url in self.urls]
            named = (asked.hostname, asked.port or PORTS[urlsplit(self.urls[0]).scheme])
        except ValueError:
            return False
        return named in own or (named[1] == own[0][1] and self._is_ours(named[0] or ""))

    def _is_ours(self, name: str) -> bool:
        # Nobody's name server can make a numeric address lead elsewhere.
        return is_loopback(name) or (not is_loopback(self.host) and _is_address(name))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host. host: a name or an address, in brackets or not."""
    bare = host.strip("[]")
    return bare == "localhost" or (_is_address(bare) and ip_address(bare).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _port(url: SplitResult) -> int:
    return url.port or PORTS[url.scheme]
