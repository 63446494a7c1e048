"""Schema changes of the witness's database, one file each under `versions`; run by `init` and `migrate`."""
