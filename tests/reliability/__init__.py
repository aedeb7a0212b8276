"""Tests of issue 7: what anyone may do to the service, and what it does then."""
