"""How planned rollouts are run and stored: here, or in shards; what one Prefect task run is."""
