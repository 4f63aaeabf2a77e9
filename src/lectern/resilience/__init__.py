"""How a call to a part that may fail is made: deadline, bulkhead, retry budget, breaker."""
