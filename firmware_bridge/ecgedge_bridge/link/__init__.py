"""The only folder with a radio: the state machine, the search, the conversation, bleak."""
