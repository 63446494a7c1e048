"""`tlog demo`: a log, three witnesses and a few services at work, on this machine and for a while."""
