// The floor of a command: a Node program that does nothing.
