"""The agents' face: inbox and ticket."""
