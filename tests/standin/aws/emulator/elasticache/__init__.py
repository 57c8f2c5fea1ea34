"""ElastiCache for Valkey as AWS does it: states that take a while, rules, and AWS's error codes.

Facts are from the service's model in botocore, AWS's user guide, and what users saw of the real
one, named where they are used. ``operations`` lists what is answered here; nothing of moto's own
ElastiCache is used.
"""
