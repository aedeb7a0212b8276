"""A model server that is none: answers from a script, by built-in rules, or from a recording."""
