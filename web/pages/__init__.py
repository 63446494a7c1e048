"""One module for each page: what it shows as a pure function of data, and the handler that fetches them."""
