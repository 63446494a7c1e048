"""Durable state: SQLAlchemy tables and stores, and the tile store on obstore."""
