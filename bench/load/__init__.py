"""The load generator: a program of its own that sends requests made beforehand, as cheaply as Python can."""
