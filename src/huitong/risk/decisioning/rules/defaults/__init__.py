"""The rules that a new installation starts with, over features that are named in one place."""
