"""What `pulumi up` creates: one component a target, all with the same outputs."""
