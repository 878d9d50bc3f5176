"""A gateway on one home: its controller, its journal, its way into the warehouse, its server."""
