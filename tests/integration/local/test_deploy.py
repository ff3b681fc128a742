"""The template on the embedded cloud."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines import template as shipped
from tests.shipped import HANDLERS
from workflow.aws.client import make_client
from workflow.local.deploy import Deployer
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.errors import DeployError
from workflow.local.package import build
from workflow.local.stack import Stack


def invoke(stack: Stack, event: dict[str, Any]) -> Any:
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    answer = functions.invoke(FunctionName=stack.function_name, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def test_the_template_becomes_a_table_a_function_and_a_mapping_that_is_on(stack: Stack) -> None:
    table = make_client("dynamodb", endpoint_url=stack.endpoint_url).describe_table(TableName=stack.table_name)["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_state", "by_due"]
    mapping = make_client("lambda", endpoint_url=stack.endpoint_url).get_event_source_mapping(UUID=stack.mapping_id)
    assert mapping["State"] == "Enabled"
    needed = {"TableName", "StreamFunctionName", "SweepFunctionName", "WebhookFunctionName", "WebhookUrl"}
    assert needed <= set(stack.outputs)
    assert set(stack.outputs) == set(shipped()["Outputs"])


def test_a_mapping_that_is_on_is_left_to_the_pump(stack: Stack) -> None:
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    before = functions.get_event_source_mapping(UUID=stack.mapping_id)["LastProcessingResult"]
    item = {"pk": {"S": "order#left"}, "sk": {"S": "entity"}}
    make_client("dynamodb", endpoint_url=stack.endpoint_url).put_item(TableName=stack.table_name, Item=item)
    # The emulator's own poller takes a tenth of a second.
    time.sleep(1)
    assert functions.get_event_source_mapping(UUID=stack.mapping_id)["LastProcessingResult"] == before


def test_a_function_runs_on_what_was_packaged_and_nothing_else(stack: Stack) -> None:
    record = {"eventID": "1", "dynamodb": {"NewImage": {"wish": {"S": "environment"}}, "SequenceNumber": "1"}}

    seen = invoke(stack, {"Records": [record]})

    assert "/code/boto3/" in seen["boto3"]
    assert [path for path in seen["path"] if "ministack==" in path] == []
    assert seen["variables"]["AWS_ENDPOINT_URL"] == stack.endpoint_url
    assert seen["variables"]["WORKFLOW_TABLE"] == stack.table_name


def test_functions_of_the_same_code_run_on_one_copy_of_it(stack: Stack) -> None:
    record = {"eventID": "1", "dynamodb": {"NewImage": {"wish": {"S": "environment"}}, "SequenceNumber": "1"}}
    seen = [
        invoke(
            replace(stack, outputs={**stack.outputs, "StreamFunctionName": stack.outputs[name]}), {"Records": [record]}
        )
        for name in ("StreamFunctionName", "WebhookFunctionName")
    ]
    assert len({one["boto3"] for one in seen}) == 2
    assert len({Path(one["boto3"]).resolve() for one in seen}) == 1


def test_a_function_may_do_only_what_its_role_in_the_template_says(stack: Stack) -> None:
    record = {"eventID": "1", "dynamodb": {"NewImage": {"wish": {"S": "scan"}}, "SequenceNumber": "1"}}

    refused = invoke(stack, {"Records": [record]})

    assert "is not authorized to perform: dynamodb:Scan because" in refused["errorMessage"]


def test_changed_code_replaces_that_of_the_same_function_and_code_that_lacks_a_library_is_refused(
    embedded_cloud: EmbeddedCloud, project: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "project"
    shutil.copytree(project, changed, ignore=shutil.ignore_patterns("build"))
    template, probe = changed / "template.yaml", changed / "handlers" / "probe.py"
    deployer = Deployer(embedded_cloud.endpoint_url, "changed")
    before = deployer.deploy(template, build(changed))

    probe.write_text("def handler(event, context):\n    return 'new'\n\n\nsweep = handler\n")
    after = deployer.deploy(template, build(changed))
    assert (after, invoke(after, {})) == (before, "new")

    # The emulator's own environment has this one, the package does not.
    probe.write_text("import hypercorn\n")
    with pytest.raises(DeployError) as refused:
        deployer.deploy(template, build(changed))
    assert str(refused.value).endswith(" does not run: Worker init failed: No module named 'hypercorn'")
    assert invoke(after, {}) == "new"


def test_handler_modules_are_passed_to_the_template_if_it_has_a_parameter_for_them(
    embedded_cloud: EmbeddedCloud, project: Path, tmp_path: Path
) -> None:
    record = {"eventID": "1", "dynamodb": {"NewImage": {"wish": {"S": "environment"}}, "SequenceNumber": "1"}}
    deployer, template, code = (
        Deployer(embedded_cloud.endpoint_url, "handlers"),
        tmp_path / "template.yaml",
        build(project),
    )
    template.write_text((project / "template.yaml").read_text())

    def handlers(value: str) -> str:
        stack = deployer.deploy(template, code, {"HandlerModules": value})
        return str(invoke(stack, {"Records": [record]})["variables"]["WORKFLOW_HANDLERS"])

    assert handlers("hooks.device,hooks.alarm") == "hooks.device,hooks.alarm"
    assert handlers("hooks.device") == "hooks.device"
    assert handlers("") == ""

    without = (
        template.read_text().replace("  HandlerModules:", "  Modules:").replace("!Ref HandlerModules", "!Ref Modules")
    )
    template.write_text(without)
    assert handlers("hooks.device") == ",".join(HANDLERS)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("CodeUri: handlers", "", "template.yaml has no line `CodeUri: ...`: which function should get the code?"),
        ("  StreamFunctionName:", "  Renamed:", "template.yaml has no output StreamFunctionName; take it over from "),
        ("  SweepFunctionName:", "  Renamed:", "template.yaml has no output SweepFunctionName; take it over from "),
        ("Transform: AWS::Serverless-2016-10-31", "Transform: [", "template.yaml was refused: "),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_the_reason(
    embedded_cloud: EmbeddedCloud, project: Path, tmp_path: Path, old: str, new: str, problem: str
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text((project / "template.yaml").read_text().replace(old, new))
    with pytest.raises(DeployError) as refused:
        Deployer(embedded_cloud.endpoint_url, f"refused-{len(problem)}").deploy(template, build(project))
    assert str(refused.value).startswith(problem)
