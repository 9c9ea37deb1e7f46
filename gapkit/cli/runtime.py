"""What a process may set that a library may not: threads."""

from gapkit.machine import limit_threads

__all__ = ["limit_threads"]
