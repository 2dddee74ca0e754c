"""S3's batches: objects that DeleteObjects does not delete for load."""

from __future__ import annotations

import re
from random import Random
from urllib.parse import parse_qs, urlsplit

from tests.faults.damage import Damage
from tests.faults.errors import undeleted_object
from tests.faults.messages import Request, own_answer
from tests.faults.rates import FaultRates

# Patterns and no parser: what is handed on keeps its spelling.
_OBJECT = re.compile(rb"<Object>.*?</Object>", re.DOTALL)
_KEY = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)
_RESULT = re.compile(rb"<DeleteResult([^>]*?)(?:/>|>(.*)</DeleteResult>)", re.DOTALL)
_EMPTY = b'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'


def damage(request: Request, operation: str, rates: FaultRates, random: Random) -> Damage | None:
    """What becomes of a request; None where no entry of it is hit."""
    if request.method != "POST" or "delete" not in parse_qs(urlsplit(request.path).query, keep_blank_values=True):
        return None
    objects = _OBJECT.findall(request.body)
    hit = [each for each in objects if random.random() < rates.partial]
    if not hit:
        return None
    errors = b"".join(undeleted_object(key) for each in hit for key in _KEY.findall(each))
    counts = {"partial": len(hit)}

    def merge(answer: bytes) -> bytes:
        return _RESULT.sub(lambda found: _result(found[1], (found[2] or b"") + errors), answer)

    if len(hit) == len(objects):
        answer = own_answer(200, "OK", "application/xml", merge(_EMPTY), ("x-amz-request-id", "INJECTED"))
        return Damage(answer=answer, counts=counts)
    left_out = frozenset(hit)
    body = _OBJECT.sub(lambda found: b"" if found[0] in left_out else found[0], request.body)
    return Damage(forwarded=request.with_body(body), merge=merge, counts=counts)


def _result(attributes: bytes, content: bytes) -> bytes:
    return b"<DeleteResult%s>%s</DeleteResult>" % (attributes.rstrip(), content)
