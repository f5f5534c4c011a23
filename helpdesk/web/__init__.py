"""Faces, by who looks."""
