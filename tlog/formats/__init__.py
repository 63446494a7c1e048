"""The C2SP transparency-log formats, one module per specification, named as it. Pure: no I/O.

Parsers are strict and raise only `tlog.errors.Malformed` subclasses, whatever the bytes. Verifiers
raise `tlog.errors.VerificationFailed` subclasses; none returns a bool.
"""
