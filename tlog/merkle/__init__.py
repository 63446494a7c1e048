"""The RFC 6962 Merkle tree over tiles: building, proving, and a verifier that shares no code with the prover.

Indices count from 0, sizes count leaves, every hash is 32 bytes of SHA-256. Pure: no I/O.
"""
