"""Home Assistant: its companion app's webhook, and what automations send. See README.md."""
