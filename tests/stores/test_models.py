"""What botocore knows of the services is the same, however quickly it is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from tattoo_data.stores.models import ServiceModels

SERVICES = ("dynamodb", "dynamodbstreams", "opensearch", "s3")


@pytest.mark.parametrize("kind", ["service-2", "paginators-1", "endpoint-rule-set-1"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_model_is_as_botocore_reads_it(service: str, kind: str) -> None:
    ours, theirs = (each.load_service_model(service, kind) for each in (ServiceModels(SERVICES), Loader()))
    # The order of members is the order in which they are sent.
    assert json.dumps(ours) == json.dumps(theirs)


def test_only_the_services_that_are_named_are_known() -> None:
    with pytest.raises(UnknownServiceError):
        ServiceModels(SERVICES).load_service_model("ec2", "service-2")


def test_no_model_in_the_home_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = tmp_path / "s3" / "2030-01-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text("{}")
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path))
    assert Loader().load_service_model("s3", "service-2") == {}
    assert ServiceModels(SERVICES).load_service_model("s3", "service-2")["metadata"]["serviceId"] == "S3"
