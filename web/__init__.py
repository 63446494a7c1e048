"""The web pages: rendered on the server, readable without JavaScript, over the same log as the HTTP interface."""
