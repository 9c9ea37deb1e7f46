"""The study: bridges x metrics x seeds to one table of results."""
