"""What else could stand in Postern's place: the same endpoint in other frameworks, as their own
documentation would have it.

Each takes `POST /v1/events` with a bearer key, validates the event, publishes one persistent,
mandatory message to the recorder's quorum queue, and answers 202 once the broker has confirmed it.
They run in environments of their own (scripts/setup-peers) and are told BROKER, KEY and PORT.
"""
