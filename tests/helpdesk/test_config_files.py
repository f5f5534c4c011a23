"""Files are read and checked without a database: what contradicts is refused with file, key and reason."""

from __future__ import annotations

import copy
import shutil
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.config import Contradictions, Plan
from helpdesk.config.checking import check
from helpdesk.config.difference import after, compare
from helpdesk.config.din5007 import sort_key
from helpdesk.config.reading import read
from helpdesk.config.record import State
from helpdesk.config.rows import rows
from helpdesk.config.shapes import LISTED
from helpdesk.config.toml_file import SINGLES
from helpdesk.holidays import legal_holidays, years_filled_in

SEED = Path(__file__).parents[2] / "helpdesk" / "data" / "seed"
YEARS = range(2025, 2032)

NEW_PORTAL = """
[[portal]]
id = "jugend-nrw"
name = "Jugendportal"
kind = "specialised_portal"
owner = "mags"
components = ["portal-basis", "formulare"]
"""


def build(state: State, source: Path) -> tuple[State, Plan]:
    """What `plan` does, for a state that needs no database."""
    entries = read(source, YEARS)
    new = after(state, entries)
    check(state, new, entries)
    return new, compare(state, new)


@pytest.fixture(scope="module")
def seed() -> State:
    return build({}, SEED)[0]


def refused(state: State, source: Path) -> list[tuple[str, str, str]]:
    with pytest.raises(Contradictions) as error:
        build(state, source)
    assert error.value.status == 422
    return [(one.file, one.key, one.reason) for one in error.value.problems]


def written(tmp_path: Path, toml: str, name: str = "neu.toml") -> Path:
    path = tmp_path / name
    path.write_text(toml, encoding="utf-8")
    return path


def test_a_new_portal_is_a_few_lines(seed: State, tmp_path: Path) -> None:
    _, plan = build(seed, written(tmp_path, NEW_PORTAL))
    assert str(plan) == "+ Portal jugend-nrw (Jugendportal)\nZusammen: 1 neu."


def rule(id: str, then: str, when: str = "") -> str:
    return f'[[rule]]\nid = "{id}"\nname = "{id}"\n{when}\nthen = {{ {then} }}\n'


REST = rule("rest", 'team = "l1", level = "L1", policy = "s1"')
ROTA = '[rota.neu]\nname = "Neu"\nteam = "l1"\npromised = "kern"\nlayers = [{ target = { user = "%s" } }]\n'
POLICY = '[policy.neu]\nname = "Neu"\nrepeat = 0\nsteps = [{ id = "a", targets = [{ %s }], delay = 5 }]\n'
PERSON = '[[person]]\nhandle = "neu"\nname = "Neu"\nemail = "neu@demo.example"\n'


@pytest.mark.parametrize(
    ("toml", "key", "reason"),
    [
        # names that lead nowhere
        (NEW_PORTAL.replace("formulare", "formulara"), "portal.jugend-nrw.components", "Baustein „formulara“ gibt es nicht"),
        (NEW_PORTAL.replace("mags", "niemand"), "portal.jugend-nrw.owner", "Organisation „niemand“ gibt es nicht"),
        ('[target.S4]\ncalendar = "nie"\n', "target.S4.calendar", "Kalender „nie“ gibt es nicht"),
        (rule("a", 'team = "weg", level = "L1", policy = "s1"', 'when = { portal = "extern" }') + REST, "rule.a.then.team", "Team „weg“ gibt es nicht"),
        (rule("a", 'team = "l1", level = "L9", policy = "s1"', 'when = { portal = "extern" }') + REST, "rule.a.then.level", "Support-Stufe „L9“ gibt es nicht"),
        (rule("a", 'team = "l1", level = "L1", policy = "weg"', 'when = { portal = "extern" }') + REST, "rule.a.then.policy", "Eskalationsplan „weg“ gibt es nicht"),
        (rule("a", 'team = "l1", level = "L1", policy = "s1"', 'when = { portal = "weg" }') + REST, "rule.a.when.portal", "Portal „weg“ gibt es nicht"),
        (rule("a", 'team = "l1", level = "L1", policy = "s1"', 'when = { ags = "99999999" }') + REST, "rule.a.when.ags", "Organisation „ags-99999999“ gibt es nicht"),
        (rule("a", 'team = "l1", level = "L1", policy = "s1"', 'when = { calendar_open = "weg" }') + REST, "rule.a.when.calendar_open", "Kalender „weg“ gibt es nicht"),
        (POLICY % 'rota = "weg"', "policy.neu.steps.a", "Dienstplan „weg“ gibt es nicht"),
        (POLICY % 'person = "weg"', "policy.neu.steps.a", "Person „weg“ gibt es nicht"),
        (POLICY % 'queue = "weg"', "policy.neu.steps.a", "Team „weg“ gibt es nicht"),
        (POLICY.replace("delay = 5", 'delay = 5, only_if = { calendar = "weg", otherwise = "skip" }') % 'queue = "l1"', "policy.neu.steps", "Kalender „weg“ gibt es nicht"),
        (ROTA % "weg", "rota.neu", "Person „weg“ gibt es nicht"),
        (ROTA.replace("kern", "weg") % "alex", "rota.neu.promised", "Kalender „weg“ gibt es nicht"),
        (PERSON + 'teams = ["weg"]\n', "person.neu.teams.team", "Team „weg“ gibt es nicht"),
        (PERSON + 'grants = [{ role = "reporter", ags = "99999999" }]\n', "person.neu.ags", "Organisation „ags-99999999“ gibt es nicht"),
        ('[[municipality_portal]]\nags = "99999999"\nportal = "extern"\n', "municipality_portal.99999999.ags", "Organisation „ags-99999999“ gibt es nicht"),
        ('[[statutory_deadline]]\nid = "neu"\nrule = "x"\nmonths = 1\ncategory = "weg"\n', "statutory_deadline.neu.category", "Kategorie „weg“ gibt es nicht"),
        # contradictions
        (NEW_PORTAL + NEW_PORTAL, "portal.jugend-nrw", "doppelt: steht schon in neu.toml (portal.jugend-nrw)"),
        ('[calendar.nie]\nname = "Nie"\n', "calendar.nie.week", "Dieser Kalender ist nie geöffnet."),
        (rule("a", 'team = "l1", level = "L1", policy = "s1"', 'when = { portal = "extern" }'), "rule", "die letzte Regel muss ohne Bedingungen alles Übrige auffangen"),
        (REST + REST.replace('"rest"', '"zwei"'), "rule[1]", "„zwei“ kommt nie zum Zug: „rest“ greift vorher"),
        (rule("a", 'team = "l1", level = "L1"', 'when = { portal = "extern" }') + REST, "rule.a.then", "kann S1 oder S2 treffen und nennt keinen Eskalationsplan (policy)"),
        ('[policy.s1]\nname = "Leer"\nrepeat = 0\nsteps = []\n', "policy.s1", "Zuordnungsregeln „routing“, stoerung-unklar-s1.then.policy: kann S1 oder S2 treffen, und der Eskalationsplan „s1“ hat keine Stufen"),
        ("[target.S4]\nremoved = true\n", "target.S4", "Schweregrad-Regel „matrix“, ganz: für S4 gibt es keine Frist: [target.S4] fehlt"),
        ('[target.S5]\ncalendar = "kern"\n', "target.S5", "„S5“ ist kein Schweregrad (S1, S2, S3, S4)"),
        ('[severity_matrix]\nland = { hoch = "S1" }\n', "severity_matrix", "„mehrere“ fehlt"),
        ('[[service]]\nportal = "open-nrw"\ncomponent = "epayment"\noperator = "d-nrw"\n', "service.open-nrw/epayment.component", "das Portal „open-nrw“ hat den Baustein „epayment“ nicht"),
        ('[[it_provider]]\nid = "neu"\nname = "Neu"\ndistrict_codes = ["05111"]\n', "it_provider.neu.district_codes", "der Kreis 05111 hat schon den IT-Dienstleister „itk“"),
        (PERSON.replace("neu@", "Agent@"), "person.neu.email", "„agent@demo.example“ gehört schon „alex“"),
        ('[[statutory_deadline]]\nid = "neu"\nrule = "x"\nmonths = 1\nhours = 2\n', "statutory_deadline.neu", "genau eines von weeks_max, months, hours sagt die Frist"),
        ('[languages]\ninterface = ["de", "fr"]\ncitizens = ["de"]\n', "languages.interface", "„fr“ fehlt unter citizens"),
        # taking away what is in use, or what nobody knows
        ('[[component]]\nid = "termin"\nretired = true\n', "component.termin", "Portal „kommunalportal-nrw“, components: Baustein „termin“ ist außer Betrieb"),
        ('[[team]]\nid = "datenschutz"\nretired = true\n', "team.datenschutz", "Dienstplan „datenschutz“, team: Team „datenschutz“ ist außer Betrieb"),
        ('[[person]]\nhandle = "kaya"\nactive = false\n', "person.kaya", "Dienstplan „erste-linie“, ganz: Person „kaya“ ist außer Betrieb"),
        ("[calendar.kern]\nremoved = true\n", "calendar.kern", "Frist „S4“, calendar: Kalender „kern“ gibt es nicht"),
        ('[[portal]]\nid = "weg"\nretired = true\n', "portal.weg", "das gibt es nicht, es kann also nicht weg"),
        ("[policy.weg]\nremoved = true\n", "policy.weg", "das gibt es nicht, es kann also nicht weg"),
        # shapes
        (NEW_PORTAL.replace("owner", "eigner"), "portal.jugend-nrw.eigner", "diesen Schlüssel gibt es hier nicht"),
        (NEW_PORTAL.replace('name = "Jugendportal"', "name = 5"), "portal.jugend-nrw.name", "hier wird ein Text erwartet, der nicht leer ist"),
        (NEW_PORTAL.replace("jugend-nrw", "Jugend Köln"), "portal[0].id", "erlaubt sind Buchstaben ohne Umlaute, Ziffern und - _ ."),
        ('[portal]\nid = "a"\n', "portal", "hier wird [[portal]] erwartet"),
        ("portale = 1\n", "portale", "diesen Schlüssel gibt es nicht"),
        ("schema_version = 2\n", "schema_version", "diese Fassung liest nur 1"),
        ('[calendar.kern]\nname = "Kern"\nmon = [["08:00", "18:00"]]\nmo = []\n', "calendar.kern.mo", "diesen Schlüssel gibt es hier nicht"),
        ('[calendar.kern]\nname = "Kern"\nland = "XX"\nmon = [["08:00", "18:00"]]\n', "calendar.kern.land", "„XX“ ist kein Land der Bundesrepublik"),
        ('[calendar.kern]\nname = "Kern"\nmon = [["18:00", "08:00"]]\n', "calendar.kern.mon[0]", ""),
        ('[target.S4]\ncalendar = "kern"\nresponse_minutes = 0\n', "target.S4.response_minutes", "hier wird eine ganze Zahl ab 1 erwartet"),
        ("[rota.erste-linie]\nname = 1979-05-27\n", "rota.erste-linie.name", "Tage, Zeiten und besondere Zahlen bitte als Text in Anführungszeichen schreiben"),
        (PERSON + 'grants = [{ role = "king" }]\n', "person.neu.grants[0].role", "hier wird eine Rolle erwartet: agent, lead, coordinator, partner, reporter, admin"),
        (PERSON + 'contact_points = [{ value = "x" }]\n', "person.neu.contact_points[0].kind", "„kind“ fehlt"),
        (PERSON + 'contact_points = [{ kind = "phone", value = "0171 3920001" }]\n', "person.neu.contact_points[0].value", "so ist niemand zu erreichen"),
        ("[[portal\n", "TOML", "nicht lesbar"),
        ('municipalities = "fehlt.csv"\n', "municipalities", "fehlt.csv: "),
        ('municipalities = "../../etc/passwd"\n', "municipalities", "hier wird der Name einer Datei im selben Ordner erwartet"),
    ],
)  # fmt: skip
def test_what_contradicts_is_refused_with_file_key_and_reason(
    seed: State, tmp_path: Path, toml: str, key: str, reason: str
) -> None:
    found = refused(seed, written(tmp_path, toml))
    assert {file for file, _, _ in found} == {"neu.toml"}
    assert any(one_key.startswith(key) and one_reason.startswith(reason) for _, one_key, one_reason in found), found


def test_everything_wrong_is_told_at_once(seed: State, tmp_path: Path) -> None:
    written(tmp_path, NEW_PORTAL.replace("formulare", "formulara").replace("mags", "niemand"), "a.toml")
    written(tmp_path, '[target.S4]\ncalendar = "nie"\n', "b.toml")
    assert [(file, key) for file, key, _ in refused(seed, tmp_path)] == [
        ("a.toml", "portal.jugend-nrw.components"),
        ("a.toml", "portal.jugend-nrw.owner"),
        ("b.toml", "target.S4.calendar"),
    ]


def test_the_same_thing_in_two_files_is_refused(seed: State, tmp_path: Path) -> None:
    written(tmp_path, NEW_PORTAL, "a.toml")
    written(tmp_path, NEW_PORTAL, "b.toml")
    assert refused(seed, tmp_path) == [
        ("b.toml", "portal.jugend-nrw", "doppelt: steht schon in a.toml (portal.jugend-nrw)")
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"ags,name,district_code\n", "liste.csv: die Liste ist leer"),
        (b"ags,name\n05111000,Stadt\n", "liste.csv: Spalte fehlt: district_code"),
        (
            b"ags,name,district_code\n05111000,Stadt\n",
            "liste.csv: Zeile 2 hat nicht so viele Spalten wie die Kopfzeile",
        ),
        (b"ags,name,district_code\n05111000,M\xfcnster,05111\n", "liste.csv: 'utf-8' codec"),
    ],
)
def test_a_broken_list_is_refused(seed: State, tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "liste.csv").write_bytes(content)
    [(file, key, words)] = refused(seed, written(tmp_path, 'municipalities = "liste.csv"\n'))
    assert (file, key) == ("neu.toml", "municipalities")
    assert words.startswith(reason)


def test_a_wrong_line_of_a_list_is_told_with_its_key(seed: State, tmp_path: Path) -> None:
    (tmp_path / "liste.csv").write_text("ags,name,district_code\n5111,Stadt,05111\n05111001,Dorf,05999\n")
    assert refused(seed, written(tmp_path, 'municipalities = "liste.csv"\n')) == [
        ("liste.csv", "municipality.5111", "ein AGS hat acht Ziffern, als Text geschrieben"),
    ]


def test_an_empty_folder_and_a_missing_file_are_refused(seed: State, tmp_path: Path) -> None:
    assert refused(seed, tmp_path) == [(str(tmp_path), "", "in diesem Ordner liegt keine TOML-Datei")]
    missing = tmp_path / "fehlt.toml"
    assert refused(seed, missing) == [(str(missing), "", "diese Datei gibt es nicht")]


def test_a_file_that_is_no_text_is_refused(seed: State, tmp_path: Path) -> None:
    (tmp_path / "bild.toml").write_bytes(b"\x89PNG\r\n\xff\xfe")
    [(file, key, reason)] = refused(seed, tmp_path)
    assert (file, key) == ("bild.toml", "TOML")
    assert reason.startswith("nicht lesbar")


def test_an_old_fault_elsewhere_does_not_stop_a_new_portal(seed: State, tmp_path: Path) -> None:
    """Somebody was switched off in the console while a rota still names them."""
    old = {ref: {**record, "active": False} if ref.name == "kaya" else record for ref, record in seed.items()}
    _, plan = build(old, written(tmp_path, NEW_PORTAL))
    assert len(plan.changes) == 1


def test_a_calendar_knows_the_holidays_of_its_land(tmp_path: Path) -> None:
    hours = 'name = "Köln"\nmon = [["08:00", "12:00"]]\n'
    changes = 'without_holidays = ["2026-06-04"]\nextra_holidays = ["2026-02-16"]\n'
    new, _ = build(
        {},
        written(tmp_path, f"[calendar.nw]\n{hours}[calendar.k]\n{hours}{changes}[calendar.by]\n{hours}land = 'BY'\n"),
    )
    dates = {ref.name: content["calendar"]["holidays"] for ref, content in new.items()}  # type: ignore[index]
    assert "2026-11-01" in dates["nw"] and "2026-01-06" not in dates["nw"]
    assert set(dates["nw"]) - set(dates["k"]) == {"2026-06-04"}
    assert set(dates["k"]) - set(dates["nw"]) == {"2026-02-16"}
    assert "2026-01-06" in dates["by"]


def test_nrw_has_eleven_holidays_with_german_names() -> None:
    found = legal_holidays("NW", [2026])
    assert len(found) == 11
    assert found[date(2026, 6, 4)] == "Fronleichnam"
    assert found[date(2026, 11, 1)] == "Allerheiligen"
    assert years_filled_in(date(2026, 11, 22)) == range(2025, 2032)
    with pytest.raises(ValueError, match="unknown Land"):
        legal_holidays("NRW", [2026])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Übach-Palenberg", "ubach palenberg"),
        ("Nümbrecht", "numbrecht"),
        ("Straelen", "straelen"),
        ("Großenkneten", "grossenkneten"),
        ("Rheda-Wiedenbrück", "rheda wiedenbruck"),
        ("Menden (Sauerland)", "menden sauerland"),
        ("U\u0308bach", "ubach"),
    ],
)
def test_names_sort_as_germans_expect(name: str, key: str) -> None:
    assert sort_key(name) == key


def test_the_difference_says_what_came_and_went(seed: State, tmp_path: Path) -> None:
    toml = (
        (SEED / "promises.toml")
        .read_text()
        .replace("response_minutes = 60\n", "response_minutes = 45\n")
        .replace('fri = [["08:00", "18:00"]]', 'fri = [["08:00", "16:00"]]')
    )
    _, plan = build(seed, written(tmp_path, toml))
    assert str(plan).splitlines() == [
        "~ Kalender kern (Kernzeit)",
        '    calendar.week.fri: + ["08:00", "16:00"], − ["08:00", "18:00"]',
        "~ Frist S2",
        "    response_minutes: 60 → 45",
        "Zusammen: 2 geändert.",
    ]


@pytest.mark.parametrize("name", [*LISTED, "languages", "target_phone"])
def test_every_key_is_in_the_reference(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    shape = {**LISTED, **SINGLES}[name]
    assert f"[{name}]" in page
    assert [key for key in shape.known if f"`{key}`" not in page and f"`{key} =" not in page] == []


DOCUMENTS = {path.name: tomllib.loads(path.read_text()) for path in sorted(SEED.glob("*.toml"))}
ODD = (
    0, -1, True, "", "x", [], {}, ["a", "a"], [1], [{}], {"x": 1}, 3.5, "ä ö", float("nan"), date(2026, 1, 1),
    [["x"]], {"a": {"b": []}}, "S1", "unknown",
)  # fmt: skip


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_seed_file_with_anything_odd_in_it_is_read_or_refused(
    seed: State, tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever stands in a file, the answer is a plan that can be written, or a refusal: never a crash."""
    name = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    document = copy.deepcopy(DOCUMENTS[name])
    *way, last = data.draw(st.sampled_from(list(places(document))))
    holder = document
    for key in way:
        holder = holder[key]  # type: ignore[index]
    if data.draw(st.booleans()):
        holder[last] = data.draw(st.sampled_from(ODD))  # type: ignore[index]
    else:
        del holder[last]  # type: ignore[arg-type]
    for path in SEED.glob("*.csv"):
        shutil.copy(path, tmp_path)
    try:
        new, plan = build(seed, written(tmp_path, tomli_w.dumps(document), name))
    except Contradictions as error:
        assert all(one.file and one.reason for one in error.problems)
    else:
        assert str(plan)
        assert rows(new)
