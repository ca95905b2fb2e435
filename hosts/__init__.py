"""What a machine is: typed, validated, and free of any opinion on what should run there."""
