"""Commands of whoever runs the server: store, admins, doctor."""
