"""What compare.py can be asked to do, a file each."""
