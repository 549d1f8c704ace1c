"""Making a collection of requests: described first, then written in the form of a program.

Its parts: `model` (what travels), `own_calls` and `vendor_calls` (where requests come from),
`postman` and `bruno` (how they are written).
"""
