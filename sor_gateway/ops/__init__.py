"""What operators see and do: metrics, health, status, the kill switch, log lines."""
