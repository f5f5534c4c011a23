"""What can go wrong between us and PostgreSQL before the first query.

The docstring is the message for the operator (gettext id); braces are filled from `values`.
"""

from __future__ import annotations

import inspect

from helpdesk.errors import HelpdeskError


class DatabaseError(HelpdeskError):
    """Die Datenbank ist nicht zu erreichen."""

    status = 503
    code = "database"

    def __init__(self, **values: object) -> None:
        self.values = values
        template = " ".join((inspect.getdoc(type(self)) or "").split())
        super().__init__(template.format(**values))


class EmbeddedError(DatabaseError):
    """Die eingebaute Datenbank startet nicht: {reason}. Mehr steht in {log}."""


class NotAnswering(EmbeddedError):
    """Die eingebaute Datenbank in {folder} hat {seconds} Sekunden lang nicht geantwortet. Mehr steht in {log}."""


class NoPrograms(EmbeddedError):
    """Auf diesem Rechner fehlen die Programme von PostgreSQL. Installieren Sie das Paket „postgresql“ (Version {oldest}
    oder neuer), oder nennen Sie mit DATABASE_URL eine vorhandene Datenbank."""


class OtherVersion(EmbeddedError):
    """Die Daten in {folder} gehören zu PostgreSQL {found}, vorhanden ist hier aber PostgreSQL {present}. Installieren
    Sie PostgreSQL {found}, oder spielen Sie eine Sicherung („helpdesk restore“) in einen neuen Datenordner ein."""


class FolderFull(EmbeddedError):
    """Der Datenordner {folder} ist voll, es sind nur noch {free} MB frei. Schaffen Sie Platz, mindestens {needed} MB;
    danach startet die Datenbank von selbst oder beim nächsten Aufruf."""


class FolderReadOnly(EmbeddedError):
    """Der Benutzer „{user}“ darf in den Datenordner {folder} nicht schreiben. Geben Sie ihm das Recht dazu, oder nennen
    Sie mit HELPDESK_DATA einen anderen Ordner."""


class FolderClosed(EmbeddedError):
    """Die Datenbank läuft als Benutzer „{user}“, und der kommt nicht durch den Ordner {folder}. Öffnen Sie ihn mit
    „chmod o+x {folder}“, oder nennen Sie mit HELPDESK_DATA einen anderen Ordner, etwa /var/lib/helpdesk."""


class PasswordMissing(EmbeddedError):
    """Die Datei {file} mit dem Kennwort der Datenbank fehlt. Holen Sie sie aus der Sicherung des Datenordners
    zurück."""


class UrlUnreadable(DatabaseError):
    """DATABASE_URL ist keine Adresse einer PostgreSQL-Datenbank. Sie sieht so aus:
    postgresql://benutzer:kennwort@rechner:5432/datenbank (Sonderzeichen im Kennwort mit % verschlüsselt)."""


class UnknownHost(DatabaseError):
    """Den Rechner {address} aus DATABASE_URL gibt es im Netz nicht. Prüfen Sie den Namen."""


class HostAway(DatabaseError):
    """Unter {address} antwortet kein PostgreSQL. Prüfen Sie Rechner und Port in DATABASE_URL und ob der Server
    läuft."""


class WrongPassword(DatabaseError):
    """PostgreSQL unter {address} lässt den Benutzer „{user}“ mit diesem Kennwort nicht ein. Prüfen Sie Benutzer und
    Kennwort in DATABASE_URL."""


class NoSuchDatabase(DatabaseError):
    """Unter {address} gibt es die Datenbank „{database}“ nicht. Prüfen Sie den Namen in DATABASE_URL, oder legen Sie
    sie an: createdb --encoding=UTF8 --template=template0 --owner={user} {database}"""


class TooSlow(DatabaseError):
    """PostgreSQL unter {address} hat {seconds} Sekunden lang nicht geantwortet. Prüfen Sie Rechner und Port in
    DATABASE_URL, und ob eine Firewall dazwischen steht."""


class Refused(DatabaseError):
    """PostgreSQL unter {address} nimmt die Verbindung nicht an: {reason}. Prüfen Sie DATABASE_URL und den Server."""


class ServerTooOld(DatabaseError):
    """Unter {address} läuft PostgreSQL {found}, gebraucht wird {oldest} oder neuer. Nennen Sie mit DATABASE_URL einen
    neueren Server."""


class NotUtf8(DatabaseError):
    """Die Datenbank „{database}“ unter {address} speichert {found} statt UTF8. Legen Sie eine neue an:
    createdb --encoding=UTF8 --template=template0 --owner={user} NAME"""
