"""From settings to the library's parts; the only place that knows both."""
