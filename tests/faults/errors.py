"""Errors as the services spell them, and as a gateway before them does."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from random import Random

from tests.faults.messages import Answer, Service, own_answer

_GATEWAY = 0.25
_REASONS = {400: "Bad Request", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_REJECTED = "rejected execution of coordinating operation [coordinating_and_primary_bytes=107370000]"
_REASONS_TO_CANCEL = (
    {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity for one or more items."},
    {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"},
)
#: service and fault -> status, code and message.
_ERRORS = {
    (Service.DYNAMODB, "throttled"): (
        400,
        f"{_DYNAMODB}ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded.",
    ),
    (Service.DYNAMODB, "error500"): (500, f"{_DYNAMODB}InternalServerError", "Internal server error"),
    (Service.DYNAMODB, "unavailable"): (503, f"{_DYNAMODB}ServiceUnavailable", "Service is unavailable"),
    (Service.OPENSEARCH, "throttled"): (429, "rejected_execution_exception", _REJECTED),
    (Service.OPENSEARCH, "error500"): (500, "exception", "Internal error"),
    (Service.OPENSEARCH, "unavailable"): (503, "no_shard_available_action_exception", "No shard available"),
    (Service.S3, "throttled"): (503, "SlowDown", "Please reduce your request rate."),
    (Service.S3, "error500"): (500, "InternalError", "We encountered an internal error. Please try again."),
    (Service.S3, "unavailable"): (503, "ServiceUnavailable", "Service is unable to handle request."),
}


def service_error(service: Service, fault: str, random: Random) -> Answer:
    """The answer to a request that failed; for what is not throttling, a gateway's words at times."""
    status, code, message = _ERRORS[service, fault]
    if fault != "throttled" and random.random() < _GATEWAY:
        return _gateway(status, html=random.random() < 0.5)
    if service is Service.OPENSEARCH:
        if fault == "throttled" and random.random() < 0.5:
            code = "es_rejected_execution_exception"  # as Elasticsearch, and OpenSearch of its first years
        return _opensearch(status, code, message)
    return _s3(status, code, message) if service is Service.S3 else _dynamodb(status, code, message)


def validation_error(key: str) -> Answer:
    """DynamoDB's answer to a batch that holds an item it does not take."""
    message = f"One or more parameter values were invalid: the item {key} is refused (injected)"
    return _dynamodb(400, "com.amazon.coral.validate#ValidationException", message)


def cancelled_transaction(hit: Sequence[bool], random: Random) -> Answer:
    """DynamoDB's answer to a transaction of which it could not take those parts that are `hit`."""
    reasons = [random.choice(_REASONS_TO_CANCEL) if each else {"Code": "None"} for each in hit]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    document = {"__type": f"{_DYNAMODB}TransactionCanceledException", "Message": message}
    return json_answer(Service.DYNAMODB, 400, {**document, "CancellationReasons": reasons})


def undeleted_object(key: bytes) -> bytes:
    """What DeleteObjects tells of an object that it could not delete; `key` is XML already."""
    message = b"We encountered an internal error. Please try again."
    return b"<Error><Key>%s</Key><Code>InternalError</Code><Message>%s</Message></Error>" % (key, message)


def throttled_action(index: str, key: str) -> dict[str, object]:
    """The result of a `_bulk` action that was not taken for load."""
    error = {"type": "rejected_execution_exception", "reason": _REJECTED}
    return {"_index": index, "_id": key, "status": 429, "error": error}


def refused_action(index: str, key: str) -> dict[str, object]:
    """The result of a `_bulk` action whose document does not fit the mapping."""
    cause = {"type": "illegal_argument_exception", "reason": "injected"}
    error = {"type": "mapper_parsing_exception", "reason": f"failed to parse document {key}", "caused_by": cause}
    return {"_index": index, "_id": key, "status": 400, "error": error}


def json_answer(service: Service, status: int, document: object) -> Answer:
    """An answer of JSON as the service frames it."""
    body = json.dumps(document, separators=(",", ":")).encode()
    reason = _REASONS.get(status, "OK")
    if service is Service.OPENSEARCH:
        return own_answer(status, reason, "application/json; charset=UTF-8", body)
    crc32 = ("x-amz-crc32", str(zlib.crc32(body)))
    return own_answer(status, reason, "application/x-amz-json-1.0", body, ("x-amzn-RequestId", "INJECTED"), crc32)


def _dynamodb(status: int, code: str, message: str) -> Answer:
    return json_answer(Service.DYNAMODB, status, {"__type": code, "message": message})


def _opensearch(status: int, code: str, message: str) -> Answer:
    cause = {"type": code, "reason": message}
    return json_answer(Service.OPENSEARCH, status, {"error": {"root_cause": [cause], **cause}, "status": status})


def _s3(status: int, code: str, message: str) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>INJECTED</RequestId></Error>"
    )
    return own_answer(status, _REASONS[status], "application/xml", body.encode(), ("x-amz-request-id", "INJECTED"))


def _gateway(status: int, *, html: bool) -> Answer:
    title = f"{status} {_REASONS[status]}"
    if html:
        body = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
        return own_answer(status, _REASONS[status], "text/html", body.encode())
    return own_answer(status, _REASONS[status], "text/plain", b"upstream connect error or disconnect before headers")
