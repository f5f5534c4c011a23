"""Configuration as data: portals, organisations, calendars, promises, teams, rules and rotas as TOML and CSV.

`plan` shows what files would change, `apply` puts them in force, `export` writes what is in force.
How files look: docs/reference/configuration.md.
"""

from helpdesk.config.applying import apply, plan
from helpdesk.config.difference import Action, Change, Plan
from helpdesk.config.exporting import export
from helpdesk.config.problems import Contradictions
from helpdesk.config.record import Kind

__all__ = ["Action", "Change", "Contradictions", "Kind", "Plan", "apply", "export", "plan"]
