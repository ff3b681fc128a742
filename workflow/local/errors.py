"""What can go wrong on a laptop, each with the way out in its message."""

from __future__ import annotations

from workflow.errors import WorkflowError


class LocalCloudError(WorkflowError):
    """The root of everything `workflow.local` raises on purpose."""


class InstallEngineError(LocalCloudError):
    """An engine could not be downloaded or unpacked; nothing half-installed will be used."""


class StartEngineError(LocalCloudError):
    """An engine was started but never answered, or a program it needs is missing."""


class PackageError(LocalCloudError):
    """The Lambda folder could not be built."""


class DeployError(LocalCloudError):
    """The template was not deployed, or what it deployed does not work."""


class PumpError(LocalCloudError):
    """The pump cannot read the stream or the mapping it is told to drive."""


class SweepError(LocalCloudError):
    """The deployed sweep function failed."""


class NotIdleError(PumpError):
    """Records written so far were not all acknowledged in the time given."""
