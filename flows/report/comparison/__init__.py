"""The report of a comparison or a sweep: many variants, several training seeds, one page."""
