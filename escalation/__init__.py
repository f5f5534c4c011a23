"""The pure engine: values in, values out; no clock, no I/O, standard library only."""
