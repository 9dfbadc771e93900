"""OCPP as stations speak it: 1.6 and 2.0.1, in a bare frame or in CitrineOS's envelope, to one neutral form."""
