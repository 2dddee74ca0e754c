"""The engine: make the live stores equal a desired state, safely. Nothing else writes to a live store.

scan -> plan -> apply -> verify
"""
