"""Does the whole hang together? Looks at the state that would be in force, and tells everything that contradicts.

Only what the files touch is told: a person switched off in the console yesterday does not stop somebody from adding a
portal today. A finding is told at the entry that is at fault, else at the entry that broke something else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from escalation.severity import Severity
from helpdesk.config import rules
from helpdesk.config.findings import Findings
from helpdesk.config.record import EVERYTHING, SINGLE, Entry, Kind, Record, Ref, State, gone, table, tables, text, texts

#: which keys of a record name what; a key inside a list of tables is written `list.key`
REFERENCES: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.ORGANISATION: {"district": Kind.DISTRICT},
    Kind.IT_PROVIDER: {"district_codes": Kind.DISTRICT},
    Kind.MUNICIPALITY_PORTAL: {"portal": Kind.PORTAL},
    Kind.COMPONENT: {"operator": Kind.ORGANISATION, "successor": Kind.COMPONENT, "depends_on": Kind.COMPONENT},
    Kind.PORTAL: {"owner": Kind.ORGANISATION, "technical_operator": Kind.ORGANISATION, "components": Kind.COMPONENT},
    Kind.SERVICE: {"portal": Kind.PORTAL, "component": Kind.COMPONENT, "operator": Kind.ORGANISATION},
    Kind.TEAM: {"organisation": Kind.ORGANISATION, "level": Kind.LEVEL},
    Kind.PERSON: {
        "organisation": Kind.ORGANISATION,
        "teams.team": Kind.TEAM,
        "grants.portal": Kind.PORTAL,
        "grants.organisation": Kind.ORGANISATION,
    },
    Kind.TARGET: {"calendar": Kind.CALENDAR},
    Kind.STATUTORY: {"category": Kind.CATEGORY},
    Kind.ROTA: {"team": Kind.TEAM, "promised": Kind.CALENDAR},
}
#: what stays true of a thing out of use: services of a retired portal, rights on its old tickets
OUTLIVES: Final = frozenset(
    {
        (Kind.SERVICE, "portal"),
        (Kind.SERVICE, "component"),
        (Kind.PERSON, "organisation"),
        (Kind.PERSON, "grants.portal"),
        (Kind.PERSON, "grants.organisation"),
    }
)


def check(old: State, new: State, entries: Iterable[Entry]) -> None:
    """Raises `Contradictions` with everything that is wrong in the new state and has to do with the entries."""
    findings = Findings(entries)
    _retirements(old, findings)
    for ref, record in new.items():
        if not gone(record):
            _references(ref, record, new, findings)
            _own(ref, record, new, findings)
    _unique_addresses(new, findings)
    _one_provider(new, findings)
    _targets(new, findings)
    rules.check(new, findings)
    findings.refuse()


def _retirements(old: State, findings: Findings) -> None:
    """Taking away what nobody knows is a slip of the pen."""
    for ref, entry in findings.mentions():
        away = entry.record is None or entry.keeps == EVERYTHING
        if away and ref not in old:
            findings.add(ref, "", "das gibt es nicht, es kann also nicht weg")


def _references(ref: Ref, record: Record, state: State, findings: Findings) -> None:
    for path, kind in REFERENCES.get(ref.kind, {}).items():
        for name in _named(record, path):
            findings.need(ref, path, Ref(kind, name), state, in_use=(ref.kind, path) not in OUTLIVES)
    for ags in _municipalities(ref, record):
        findings.need(ref, "ags", Ref(Kind.ORGANISATION, f"ags-{ags}"), state)


def _named(record: Record, path: str) -> Iterator[str]:
    key, _, inner = path.partition(".")
    if not inner:
        yield from texts(record, key)
    for item in tables(record, key):
        yield from texts(item, inner)


def _municipalities(ref: Ref, record: Record) -> Iterator[str]:
    if ref.kind in (Kind.POSTAL_CODE, Kind.MUNICIPALITY_PORTAL):
        yield ref.name
    if ref.kind is Kind.SERVICE:
        yield from texts(record, "ags")
    for grant in tables(record, "grants"):
        yield from texts(grant, "ags")


def _own(ref: Ref, record: Record, state: State, findings: Findings) -> None:
    """What one record says against itself or its neighbours."""
    match ref.kind:
        case Kind.IT_PROVIDER:
            findings.need(ref, "organisation", Ref(Kind.ORGANISATION, ref.name), state)
        case Kind.COMPONENT if text(record, "successor") == ref.name:
            findings.add(ref, "successor", "ein Baustein kann nicht sein eigener Nachfolger sein")
        case Kind.SERVICE:
            portal = state.get(Ref(Kind.PORTAL, str(record["portal"])))
            if portal is not None and record["component"] not in texts(portal, "components"):
                words = f"das Portal „{record['portal']}“ hat den Baustein „{record['component']}“ nicht"
                findings.add(ref, "component", words, about=Ref(Kind.PORTAL, str(record["portal"])))
        case Kind.ORGANISATION if ref.name.startswith("ags-") and ref.name != f"ags-{record.get('ags')}":
            findings.add(ref, "ags", "die Kennung einer Kommune ist „ags-“ mit ihrem AGS")
        case Kind.LANGUAGES:
            for key in ("interface", "right_to_left"):
                for language in texts(record, key):
                    if language not in texts(record, "citizens"):
                        findings.add(ref, key, f"„{language}“ fehlt unter citizens")
        case Kind.STATUTORY:
            _statutory(ref, record, findings)
        case _:
            pass


def _statutory(ref: Ref, record: Record, findings: Findings) -> None:
    units = [key for key in ("weeks_max", "months", "hours") if key in record]
    if len(units) != 1:
        findings.add(ref, "", "genau eines von weeks_max, months, hours sagt die Frist")
    least, most = record.get("weeks_min"), record.get("weeks_max")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        findings.add(ref, "weeks_min", "ist länger als weeks_max")


def _unique_addresses(state: State, findings: Findings) -> None:
    holders: defaultdict[str, list[Ref]] = defaultdict(list)
    for ref, record in state.items():
        if ref.kind is Kind.PERSON and "email" in record:
            holders[str(record["email"])].append(ref)
    for email, refs in holders.items():
        for ref in refs[1:]:
            findings.add(ref, "email", f"„{email}“ gehört schon „{refs[0].name}“", about=refs[0])


def _one_provider(state: State, findings: Findings) -> None:
    holders: dict[str, Ref] = {}
    for ref, record in state.items():
        if ref.kind is Kind.IT_PROVIDER:
            for code in texts(record, "district_codes"):
                other = holders.setdefault(code, ref)
                if other is not ref:
                    words = f"der Kreis {code} hat schon den IT-Dienstleister „{other.name}“"
                    findings.add(ref, "district_codes", words, about=other)


def _targets(state: State, findings: Findings) -> None:
    """Each severity that the rule can give has a promise; a promise is for a severity that exists."""
    names = {ref.name for ref in state if ref.kind is Kind.TARGET}
    for name in names:
        severity, _, role = name.partition(".")
        if severity not in list(Severity):
            findings.add(Ref(Kind.TARGET, name), "", f"„{severity}“ ist kein Schweregrad ({', '.join(Severity)})")
        elif role and severity not in names:
            words = f"die engere Frist gilt nur neben einer allgemeinen: [target.{severity}] fehlt"
            findings.add(Ref(Kind.TARGET, name), "", words, about=Ref(Kind.TARGET, severity))
    rule = Ref(Kind.SEVERITY, SINGLE[Kind.SEVERITY])
    if rule in state:
        for severity in sorted(_possible(state[rule]) - names):
            findings.add(
                rule, "", f"für {severity} gibt es keine Frist: [target.{severity}] fehlt", Ref(Kind.TARGET, severity)
            )


def _possible(rule: Record) -> set[str]:
    rows = (row for row in table(rule, "matrix").values() if isinstance(row, dict))
    found = Counter(str(severity) for row in rows for severity in row.values())
    found.update(str(value) for value in table(rule, "overrides").values())
    return {severity for severity in Severity if found[severity]} | {Severity.S1.value}
