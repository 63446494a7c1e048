"""`tlog demo`: a log, three witnesses and the services of a clinic and a shop at work, on this machine."""

from tlog.cli.demo.command import app

__all__ = ["app"]
