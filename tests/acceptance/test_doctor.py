"""A deployed stack is healthy; then it is broken in one way after the other, and the doctor names each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from click.testing import CliRunner

from tests.acceptance.conftest import Deployed, add_kind, copy_of_the_project, deploy
from tests.aws_command import read_command
from workflow.aws.client import make_client
from workflow.aws.deployed.stack_facts import gather
from workflow.cli.commands import workflow
from workflow.runtime.doctor.judge import exit_code, judge

TRIAL = """\
kind: trial
version: 1
initial: offered
states:
  offered: {on_enter: [note]}
  begun: {final: true, on_enter: [{run: work, retry: {attempts: 1}}]}
transitions:
  begin: {from: offered, to: begun}
"""
HOOKS = """\
from workflow import hook


@hook
def note(effect):
    pass


@hook
def work(effect):
    raise ValueError("this one always fails")
"""


@dataclass(frozen=True)
class Patient:
    """A deployed stack of its own, which may be broken, and the doctor that looks at it."""

    deployed: Deployed
    project: Path

    def client(self, service: str) -> Any:
        return make_client(service, endpoint_url=self.deployed.cloud.endpoint_url)

    @property
    def table(self) -> str:
        return self.deployed.cloud.stack.table_name

    def function(self, role: str) -> str:
        return self.deployed.cloud.stack.outputs[f"{role}FunctionName"]

    def resource(self, logical_id: str) -> str:
        found = self.client("cloudformation").describe_stack_resources(StackName="workflow")["StackResources"]
        return next(one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == logical_id)

    @property
    def mapping(self) -> dict[str, Any]:
        return self.mappings[0]

    @property
    def mappings(self) -> list[dict[str, Any]]:
        found = self.client("lambda").list_event_source_mappings(FunctionName=self.function("Stream"))
        return list(found["EventSourceMappings"])

    def call(self, *words: str) -> tuple[int, str]:
        """Ends and says what a command does in the project's folder."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.project)
            kept = {
                name: value for name, value in self.deployed.cloud.env.items() if not name.startswith("WORKFLOW_DEF")
            }
            done = CliRunner().invoke(workflow, words, env={**kept, "COLUMNS": "100"})
        return done.exit_code, done.output

    def examine(self) -> tuple[int, list[tuple[str, str]]]:
        """How the doctor ends, and level and finding of each in its order."""
        code, output = self.call("doctor", "--json")
        return code, [(found["level"], found["what"]) for found in json.loads(output)["findings"]]

    def prescription(self) -> list[str]:
        """What a shell would run of `--fix`, which begins with what is to hold for all of it."""
        _, output = self.call("doctor", "--fix")
        begin, where, *lines = output.splitlines()
        assert (begin, where.split()[0]) == ("set -eu", "export")
        return [line for line in lines if not line.startswith("#")]

    def comments(self) -> str:
        """What only a person can decide."""
        return "\n".join(line for line in self.call("doctor", "--fix")[1].splitlines() if line.startswith("#   "))

    def mend(self) -> None:
        """Does what `--fix` says."""
        for line in self.prescription():
            if line.startswith("aws ") and not line.startswith("aws dynamodb wait "):
                command = read_command(line)
                getattr(self.client(command.service), command.operation)(**command.parameters)


HEALTHY: tuple[int, list[tuple[str, str]]] = (0, [])
OF_THE_MAPPING = ("a stream that nobody reads", "records that the stream gave up", "records that come again")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    project = copy_of_the_project(tmp_path_factory.mktemp("patient"))
    add_kind(project, "trial", TRIAL, HOOKS)
    with deploy(project) as deployed:
        yield Patient(deployed, project)


@pytest.fixture(autouse=True)
def _leaves_it_healthy(patient: Patient) -> Iterator[None]:
    yield
    assert patient.examine() == HEALTHY


def test_what_was_just_deployed_is_healthy_and_the_doctor_says_what_it_looked_at(patient: Patient) -> None:
    code, output = patient.call("doctor")

    assert code == 0
    assert output.startswith("stack workflow: healthy\nlooked at: the table workflow-Table-")
    told = " ".join(output.split())
    for looked_at in (
        "its stream and 2 indexes",
        "1 mapping of its stream",
        "4 functions: api, stream, sweep, webhook",
        "the definitions in their packages",
        "the sweeper's schedule",
        f"{len(patient.client('cloudwatch').describe_alarms()['MetricAlarms'])} alarms",
        "what CloudWatch counted in the last 10 minutes",
        "the bucket of lost records",
        "this project's definitions",
    ):
        assert looked_at in told
    assert patient.call("doctor", "--fix") == (0, "# stack workflow: healthy, nothing to mend\n")
    assert patient.call("doctor", "--stack", "workflow")[0] == 0


def test_five_things_broken_one_after_the_other_are_each_named_the_worst_first_and_mended_by_its_commands(
    patient: Patient,
) -> None:
    found: list[tuple[str, str]] = []

    patient.client("dynamodb").update_table(TableName=patient.table, DeletionProtectionEnabled=False)
    found.append(("advice", "the table is not protected from being deleted"))
    assert patient.examine() == (0, found)

    patient.client("cloudwatch").delete_alarms(AlarmNames=["workflow-iterator-age"])
    found.insert(0, ("blind", "no alarm on the age of the stream's records"))
    assert patient.examine() == (1, found)

    patient.client("dynamodb").update_continuous_backups(
        TableName=patient.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    found.insert(0, ("exposed", "point-in-time recovery is off"))
    assert patient.examine() == (1, found)

    patient.client("lambda").put_function_concurrency(
        FunctionName=patient.function("Sweep"), ReservedConcurrentExecutions=0
    )
    found.insert(0, ("standing", "its reserved concurrency is 0"))
    assert patient.examine() == (1, found)

    patient.client("lambda").update_event_source_mapping(UUID=patient.mapping["UUID"], Enabled=False)
    found.insert(0, ("losing", "the mapping is Disabled (USER_INITIATED)"))
    assert patient.examine() == (1, found)

    assert [line.split()[:3] for line in patient.prescription()] == [
        ["aws", "lambda", "update-event-source-mapping"],
        ["workflow", "reconcile"],
        ["aws", "lambda", "delete-function-concurrency"],
        ["aws", "dynamodb", "update-continuous-backups"],
        ["aws", "cloudwatch", "put-metric-alarm"],
        ["aws", "dynamodb", "update-table"],
        ["aws", "dynamodb", "wait"],
    ]
    patient.mend()


def test_settings_by_which_a_batch_can_be_lost_or_hold_up_others_are_mended(patient: Patient) -> None:
    before = patient.mapping
    patient.client("lambda").update_event_source_mapping(
        UUID=before["UUID"],
        FunctionResponseTypes=[],
        BisectBatchOnFunctionError=False,
        MaximumRetryAttempts=-1,
        MaximumRecordAgeInSeconds=-1,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:lost"}},
        FilterCriteria={"Filters": []},
        MaximumBatchingWindowInSeconds=20,
    )

    assert patient.examine() == (
        1,
        [
            ("exposed", "ReportBatchItemFailures is not set"),
            ("exposed", "lost records go to sqs, which gets their position alone"),
            ("exposed", "a failing batch is tried again without end (MaximumRetryAttempts -1)"),
            ("exposed", "records are delivered however old they are (MaximumRecordAgeInSeconds -1)"),
            ("exposed", "a batch that makes the function fail is not halved"),
            ("exposed", "the mapping lets through what is no entity"),
            ("advice", "batches are gathered for up to 20 s"),
        ],
    )
    patient.mend()
    told = ("FilterCriteria", "DestinationConfig", "FunctionResponseTypes", "MaximumRetryAttempts", "State")
    assert {name: patient.mapping[name] for name in told} == {name: before[name] for name in told}


def test_a_schedule_that_is_switched_off_is_switched_on_as_it_was(patient: Patient) -> None:
    scheduler, name = patient.client("scheduler"), patient.resource("SweepFunctionEveryMinute")
    before = scheduler.get_schedule(Name=name)
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: before[key] for key in kept}, State="DISABLED")

    assert patient.examine() == (1, [("standing", "the schedule is DISABLED")])
    patient.mend()
    after = scheduler.get_schedule(Name=name)
    assert {key: after[key] for key in (*kept, "State")} == {key: before[key] for key in (*kept, "State")}


def test_alarms_that_were_deleted_are_made_again_as_they_were(patient: Patient) -> None:
    alarms = patient.client("cloudwatch")
    # A formula, a percentile, what is heard in silence, by two dimensions, and of the gateway.
    names = ("stream-unread", "delivery-lag", "sweeper-silent", "api-failed", "gateway-errors")
    asked = {"AlarmNames": [f"workflow-{name}" for name in names]}
    before = _settings_of(alarms.describe_alarms(**asked)["MetricAlarms"])
    alarms.delete_alarms(**asked)

    assert patient.examine() == (
        1,
        [
            ("blind", "no alarm on a sweeper that does not come"),
            ("blind", "no alarm on a stream that nobody reads"),
            ("blind", "no alarm on hooks that come late"),
            ("blind", "no alarm on requests for entities that are answered 500"),
            ("blind", "no alarm on what the HTTP API answers 5xx"),
        ],
    )
    patient.mend()
    assert _settings_of(alarms.describe_alarms(**asked)["MetricAlarms"]) == before


def _settings_of(alarms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the alarms listen to and when they ring, by their names."""
    metric = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period")
    rings = ("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")
    return [
        {
            name: one[name]
            for name in ("AlarmName", *rings, *(("Metrics",) if one.get("Metrics") else metric))
            if one.get(name)
        }
        for one in sorted(alarms, key=lambda one: str(one["AlarmName"]))
    ]


def test_alarms_that_ring_or_are_silenced_are_named(patient: Patient) -> None:
    alarms = patient.client("cloudwatch")
    alarms.set_alarm_state(AlarmName="workflow-violations", StateValue="ALARM", StateReason="1 > 0")
    alarms.disable_alarm_actions(AlarmNames=["workflow-parked-now"])

    code, output = patient.call("doctor")
    assert code == 1
    told = " ".join(output.split())
    # What the alarm's own description says is the way out.
    assert "the alarm rings alarm workflow-violations 1 > 0" in told
    assert f"Type `workflow --table {patient.table} verify`" in told
    assert "the actions of workflow-parked-now are switched off" in told
    patient.mend()
    alarms.set_alarm_state(AlarmName="workflow-violations", StateValue="OK", StateReason="mended")


def test_logs_without_an_end_and_items_without_one_are_mended(patient: Patient) -> None:
    patient.client("logs").delete_retention_policy(logGroupName="/aws/lambda/workflow-sweep")
    patient.client("dynamodb").update_time_to_live(
        TableName=patient.table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )

    assert patient.examine() == (0, [("advice", "nothing expires"), ("advice", "its log is kept for ever")])
    patient.mend()


def test_an_entity_that_waits_for_a_person_is_named_with_what_to_type(patient: Patient) -> None:
    patient.deployed.flow.create("trial", "1")
    patient.deployed.flow.fire("trial", "1", "begin")
    patient.deployed.settle()

    code, [(level, what)] = patient.examine()
    assert (code, level, what.rpartition(" for ")[0]) == (
        1,
        "standing",
        "1 entity waits for a person, the longest",
    )
    assert patient.prescription() == ["workflow parked", "workflow explain trial 1"]
    assert patient.comments() == "#   once the cause is mended:\n#   workflow redrive trial 1"
    assert patient.call("skip", "trial", "1", "--reason", "tried out")[0] == 0
    patient.deployed.sweep()


def test_an_entity_of_a_definition_that_is_not_deployed_is_named(patient: Patient) -> None:
    store = patient.deployed.dynamodb
    patient.deployed.flow.create("trial", "newer")
    (entity,) = [item for item in patient.deployed.items("trial#newer") if item["sk"]["S"] == "entity"]
    entity["edge"] = {"S": entity["edge"]["S"].replace("trial@1", "trial@7")}
    store.put_item(TableName=patient.table, Item=entity)
    patient.deployed.settle()

    assert patient.examine() == (1, [("standing", "1 entity is of trial@7, which is not deployed")])
    for item in patient.deployed.items("trial#newer"):
        store.delete_item(TableName=patient.table, Key={"pk": item["pk"], "sk": item["sk"]})
    patient.deployed.settle()


def test_a_definition_that_was_changed_here_under_its_version_is_named(patient: Patient) -> None:
    file = patient.project / "definitions" / "trial.yaml"
    file.write_text(TRIAL.replace("attempts: 1", "attempts: 5"))

    code, found = patient.examine()
    file.write_text(TRIAL)
    assert (code, found) == (1, [("exposed", "trial@1: here and deployed differ under the same version")])


def test_a_function_that_was_deployed_by_itself_is_named(patient: Patient) -> None:
    functions, name = patient.client("lambda"), patient.function("Webhook")
    code = functions.get_function(FunctionName=name)["Code"]["Location"]
    own = _download(code)
    functions.update_function_code(
        FunctionName=name, ZipFile=own.replace(b"this one always fails", b"this one fails always")
    )
    updated = functions.get_waiter("function_updated_v2")
    updated.wait(FunctionName=name)

    found = patient.examine()
    functions.update_function_code(FunctionName=name, ZipFile=own)
    updated.wait(FunctionName=name)
    assert found == (0, [("advice", "the functions do not run the same code: api, stream, sweep; webhook")])


def _download(url: str) -> bytes:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        return bytes(answer.read())


def test_records_that_were_given_up_are_the_first_thing_told(patient: Patient) -> None:
    bucket, storage = patient.resource("LostRecords"), patient.client("s3")
    storage.put_object(Bucket=bucket, Key="aws/lambda/of-one-that-was/lost.json", Body=b"{}")
    storage.put_object(Bucket=bucket, Key="somebody/elses.json", Body=b"{}")
    patient.client("dynamodb").update_table(TableName=patient.table, DeletionProtectionEnabled=False)

    code, [(level, what), (advice, _)] = patient.examine()
    told = patient.comments()
    for found in storage.list_objects_v2(Bucket=bucket)["Contents"]:
        storage.delete_object(Bucket=bucket, Key=found["Key"])
    patient.mend()
    assert (code, level, advice) == (1, "losing", "advice")
    assert what.startswith("1 batches of records were given up, the first ")
    assert f"aws s3 rm s3://{bucket}/aws/lambda/ --recursive" in told


def test_who_may_not_look_is_told_which_permission_is_missing(patient: Patient) -> None:
    allowed = ["cloudformation:*", "lambda:Get*", "lambda:List*", "dynamodb:*", "s3:*", "logs:*"]
    key = _key_of_a_user(patient, allowed)
    session = botocore.session.get_session()

    facts = gather(
        stack="workflow",
        table="",
        endpoint_url=patient.deployed.cloud.endpoint_url,
        now=datetime.now(UTC),
        clients=lambda service: session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=patient.deployed.cloud.endpoint_url,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        ),
    )

    found = judge(facts)
    assert [(finding.what, finding.where) for finding in found] == [
        ("not looked at: schedule of the sweeper", "needs scheduler:ListSchedules, scheduler:GetSchedule"),
        ("not looked at: alarms", "needs cloudwatch:DescribeAlarms"),
        ("not looked at: metrics", "needs cloudwatch:GetMetricData"),
    ]
    assert exit_code(found) == 2


def _key_of_a_user(patient: Patient, actions: Sequence[str]) -> dict[str, str]:
    """The key of a user who may do just that."""
    people = patient.client("iam")
    people.create_user(UserName="looker")
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    people.put_user_policy(UserName="looker", PolicyName="look", PolicyDocument=document)
    return dict(people.create_access_key(UserName="looker")["AccessKey"])


def test_a_stack_that_is_not_there_cannot_be_looked_at(patient: Patient) -> None:
    code, output = patient.call("doctor", "--stack", "elsewhere")

    assert code == 2
    assert output == (
        "Error: there is no stack 'elsewhere' in us-east-1; see AWS_PROFILE, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL, "
        "or name another with --stack\n"
    )
    assert patient.call("--table", "elsewhere", "doctor") == (
        2,
        "Error: no stack made the table elsewhere; name one with --stack\n",
    )


def test_a_second_mapping_of_the_same_stream_is_named(patient: Patient) -> None:
    kept = (
        "EventSourceArn",
        "FunctionArn",
        "FilterCriteria",
        "DestinationConfig",
        "FunctionResponseTypes",
        "BatchSize",
    )
    kept += ("BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "StartingPosition")
    same = {name.replace("FunctionArn", "FunctionName"): patient.mapping[name] for name in kept}
    second = patient.client("lambda").create_event_source_mapping(**same)["UUID"]

    found, told = patient.examine(), patient.comments()
    patient.client("lambda").delete_event_source_mapping(UUID=second)
    assert found == (1, [("exposed", "2 mappings bring the same records to the function")])
    assert f"delete-event-source-mapping --uuid {second}" in told


def test_a_stream_that_was_made_anew_gets_a_mapping_by_hand_and_then_into_the_stack(patient: Patient) -> None:
    old = patient.mapping
    change = patient.client("dynamodb").update_table
    change(TableName=patient.table, StreamSpecification={"StreamEnabled": False})
    assert patient.examine() == (1, [("losing", "the table has no stream")])
    patient.mend()
    patient.deployed.flow.create("trial", "between")

    assert patient.examine() == (1, [("losing", "the mapping reads another stream than the table has now")])
    patient.mend()
    assert old["UUID"] in {one["UUID"] for one in patient.mappings}
    (new,) = [one for one in patient.mappings if one["UUID"] != old["UUID"]]
    kept = ("FilterCriteria", "DestinationConfig", "FunctionResponseTypes", "BatchSize", "StartingPosition", "State")
    assert new["EventSourceArn"] != old["EventSourceArn"]
    assert {name: new[name] for name in kept} == {name: old[name] for name in kept}

    told = [("advice", "the mapping that works was made by hand: the stack does not know it")]
    blind = [("blind", f"no alarm on {what}") for what in OF_THE_MAPPING]
    assert patient.examine() == (1, blind + told)
    assert f"looks at mapping {old['UUID']}; the stream's is {new['UUID']}" in patient.call("doctor", "--json")[1]
    patient.mend()
    assert patient.examine() == (0, told)
    said, removed, deployed = patient.comments().splitlines()
    assert f"`Stream: {new['EventSourceArn']}` in place of `!GetAtt Table.StreamArn`" in said
    assert (f"--uuid {new['UUID']}" in removed, deployed) == (True, "#   sam build && sam deploy")
    template = patient.project / "template.yaml"
    template.write_text(template.read_text().replace("!GetAtt Table.StreamArn", new["EventSourceArn"]))
    patient.client("lambda").delete_event_source_mapping(UUID=new["UUID"])
    patient.deployed.cloud.redeploy()
    patient.deployed.flow.create("trial", "anew")
    patient.deployed.settle()
    for name in ("between", "anew"):
        assert patient.deployed.effects("trial", name) == {"1 note": ("done", 1)}
    assert [one["EventSourceArn"] for one in patient.mappings] == [new["EventSourceArn"]]
