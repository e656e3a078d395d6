"""Rules on findings; messages into an outbox in the store, and from there to webhook, e-mail, AWS and syslog."""
