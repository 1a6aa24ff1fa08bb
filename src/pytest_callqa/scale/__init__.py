"""Many calls on many processors: a plan cuts them into shards, any engine judges each, one reducer wants them all.

A shard's result depends on nothing but its calls, the rule book and the settings, byte for byte, and is kept under a
key that is made of them. So it does not matter where a shard is judged, how often, or in which order.
"""

from pytest_callqa.scale.planning import Plan
from pytest_callqa.scale.shards import Shard, Terms, carry_out, encode
from pytest_callqa.scale.store import open_store

__all__ = ["Plan", "Shard", "Terms", "carry_out", "encode", "open_store"]
