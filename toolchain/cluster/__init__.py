"""What a real Kubernetes on this machine is made of: programs, images, tools of the machine."""
