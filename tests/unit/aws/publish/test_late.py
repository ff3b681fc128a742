"""What publishing costs a process that does not publish: nothing."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from workflow.aws.compose import open_publisher
from workflow.settings import Settings
publisher = open_publisher(Settings(table="orders"))
imported = {name for name in sys.modules if name.startswith(("workflow.aws.publish.", "workflow.runtime.publish."))}
print(publisher.source, *sorted(imported))
"""


def test_before_the_first_message_nothing_of_it_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["/workflow/orders", "workflow.aws.publish.late"]
