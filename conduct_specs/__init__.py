"""A hotline's service code of conduct as a rule book: one test module a section, run as any tests are."""
