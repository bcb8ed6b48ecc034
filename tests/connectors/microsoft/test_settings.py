"""Which cloud is meant, and what an entry may leave to its links."""

import pytest
from pydantic import ValidationError

from connectors.microsoft.settings import MicrosoftEntry, MicrosoftSettings

GIVEN = {"tenant": "example.onmicrosoft.com", "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444"}


@pytest.mark.parametrize(
    ("cloud", "login", "graph"),
    [
        ("global", "login.microsoftonline.com", "graph.microsoft.com"),
        ("gcc", "login.microsoftonline.com", "graph.microsoft.com"),
        ("gcc-high", "login.microsoftonline.us", "graph.microsoft.us"),
        ("usgov", "login.microsoftonline.us", "graph.microsoft.us"),
        ("dod", "login.microsoftonline.us", "dod-graph.microsoft.us"),
        ("china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_sign_in_and_graph_change_together(cloud, login, graph):
    settings = MicrosoftSettings(**GIVEN, cloud=cloud)
    assert (settings.hosts.login, settings.hosts.graph) == (f"https://{login}", f"https://{graph}")
    assert all(scope.startswith(f"https://{graph}/") for scope in settings.scopes)


def test_a_cloud_that_is_not_in_the_list_is_given_by_its_addresses():
    own = {"login": "https://login.example.net/", "graph": "https://graph.example.net"}
    hosts = MicrosoftSettings(**GIVEN, cloud=own).hosts
    assert (hosts.login, hosts.graph) == ("https://login.example.net", "https://graph.example.net")


@pytest.mark.parametrize(
    "wrong",
    [
        {"cloud": "germany"},
        {"cloud": {"login": "http://login.example.net", "graph": "https://graph.example.net"}},
        {"tenant": "https://example.org"},
        {"tenant": ""},
        {"client_id": "lamplighter"},
        {"mailbox": "alice@example.org/events?x"},
        {"reconcile": "5h"},
        {"mode": "free-busy", "calendars": {"On call": "on-call"}},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        MicrosoftSettings(**{**GIVEN, **wrong})


def test_an_entry_may_leave_the_application_to_its_links():
    assert MicrosoftEntry().tenant == "" and MicrosoftEntry(**GIVEN).tenant == GIVEN["tenant"]
    with pytest.raises(ValidationError):
        MicrosoftSettings()
