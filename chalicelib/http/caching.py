"""Public answers that caches may keep, and the conditional requests by which a cache asks about its copy."""

import hashlib

from chalicelib.http.wire import Reply, render

CACHED = {"Cache-Control": "public, max-age=300"}
OK, NOT_MODIFIED = 200, 304
# Half of a SHA-256: two bodies never have the same one.
TAG_DIGITS = 32
ANY = "*"
WEAK = "W/"


def revalidate(reply: Reply, if_none_match: str) -> Reply:
    """Return a public answer with its ETag, or a 304 if the caller has it already. Return any other answer as it is.

    if_none_match: the request's header, "" if it has none. Source: RFC 9110 8.8.3, 13.1.2 and 15.4.5.
    """
    if reply.status != OK or reply.headers.get("Cache-Control") != CACHED["Cache-Control"]:
        return reply
    tag = f'"{hashlib.sha256(render(reply.body).encode()).hexdigest()[:TAG_DIGITS]}"'
    headers = {**reply.headers, "ETag": tag}
    # A CDN that compresses makes the tag a weak one.
    known = {one.strip().removeprefix(WEAK) for one in if_none_match.split(",")}
    return Reply(None, NOT_MODIFIED, headers) if known & {tag, ANY} else Reply(reply.body, OK, headers)
