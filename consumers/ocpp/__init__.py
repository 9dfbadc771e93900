"""OCPP in: frames of stations to session messages, sent to Kafka through an outbox of its own; writes no facts."""
