"""Realm backends: each finds the users of a realm and checks their passwords."""
