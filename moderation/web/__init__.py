"""The doors for people and programs: who asks, what is asked, do it, what is answered.

Blueprints: submissions queue published receipts account operations demo. Beside them stand what all doors share:
guards (who may), speech (in which language), answers (pages and problems), sessions, limits, journal.
"""
