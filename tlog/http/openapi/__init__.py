"""The description of the HTTP interface, OpenAPI 3.1, made of the types that the handlers encode and decode."""
