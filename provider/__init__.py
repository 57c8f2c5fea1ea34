"""The kit's own Pulumi provider: what no official one offers, and the gRPC base it stands on."""
