"""Measurements of the coordinator beside others, printed as a Markdown table. Started by run.sh."""
