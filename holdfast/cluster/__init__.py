"""What is done to and inside a Kubernetes cluster; needs the extra ``kubernetes``."""
