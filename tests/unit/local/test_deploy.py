"""What is read from a template before it is deployed."""

import pytest

from workflow.local.deploy import has_parameter


@pytest.mark.parametrize(
    ("template", "declared"),
    [
        ("Parameters:\n  HandlerModules:\n    Type: String\n", True),
        ("Parameters:\n  Other: {Type: String}\n\n  # why\n  HandlerModules: {Type: String}\nResources: {}\n", True),
        ("Parameters:\n  Other:\n    Type: String\nResources:\n  HandlerModules:\n    Type: AWS::S3::Bucket\n", False),
        ("Resources: {}\n", False),
    ],
)
def test_a_parameter_is_passed_only_to_a_template_that_declares_it(template: str, declared: bool) -> None:
    assert has_parameter(template, "HandlerModules") is declared
