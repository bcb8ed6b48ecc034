"""The built-in presence server: thin handlers around the decisions of agent/presence.

`router` finds the handler; `publish`, `subscribe` and `options` are handlers; `notifier` follows the store's change
feed, `views` composes and renders once per state, `sweeper` ends what expires, `server` puts them together.
"""
