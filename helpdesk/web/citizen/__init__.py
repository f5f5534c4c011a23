"""The citizens' faces: contact page, own ticket, the few fixed pages."""
