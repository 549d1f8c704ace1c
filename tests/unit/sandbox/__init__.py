"""Tests of the simulators, over real HTTP: clients meet them that way."""
