"""aiohttp routes over the service: parsing, limits, authentication and the one error table."""
