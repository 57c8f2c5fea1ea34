"""What Holdfast knows of AWS: names, nodes, prices, logins. The client core imports none of it."""
