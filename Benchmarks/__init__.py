"""Measures the coordinator in comparison with others, and prints a Markdown table. Started by run.sh."""
