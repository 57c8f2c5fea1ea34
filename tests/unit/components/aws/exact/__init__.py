"""What a stack on AWS asks for, written out: every resource by its name, with every input."""
