"""What the operator may ask and do, with `ADMIN_TOKEN`."""
