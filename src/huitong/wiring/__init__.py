"""Assembles the process: which event triggers what, and what runs beside what.

The only room that knows all others.
"""
