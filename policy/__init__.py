"""The policy pack: what planned infrastructure must have, for ``pulumi preview --policy-pack``."""
