"""What goes on in the stores: checks, alerts, history, reports."""
