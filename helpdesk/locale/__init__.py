"""Catalogues of the pages, and what Babel needs to make them."""
