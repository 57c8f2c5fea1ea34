"""What is promised, what showed it and when: the tables of docs/proof.md."""
