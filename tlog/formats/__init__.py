"""The C2SP transparency-log formats, one module per specification, named as it. Pure: no I/O.

Parsers are strict and raise only `tlog.errors.Malformed` subclasses, whatever the bytes. Verifiers
raise `tlog.errors.VerificationFailed` subclasses; none returns a bool.

A value that breaks its format cannot be made: constructors run the parser's checks and raise the same
errors, so what `encode` writes always parses back to the same value. Misuse by the program itself (a
timestamp of 0, a tile of 300 hashes) is a `ValueError`.
"""
