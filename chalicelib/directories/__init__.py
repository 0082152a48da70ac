"""Realm backends: each finds the users of its realms and checks their passwords."""
