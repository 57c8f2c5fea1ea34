"""What runs inside the cluster, and the pure builders of its objects. No resource is made here."""
