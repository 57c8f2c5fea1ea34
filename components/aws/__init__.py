"""Components of the AWS target."""
