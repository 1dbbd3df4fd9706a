"""Benchmarks: how fast Huitong is on this machine, each figure beside a baseline of the same run.

Each benchmark is a module with one public `measure`; `suite` knows them by name. The command
`huitong bench` shows the results and keeps them; nothing here is used by the platform itself.

Nothing is imported here: the load generator's process must start in a moment.
"""
