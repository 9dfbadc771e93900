"""The simulated network: sites in three countries, each connector with a meter that counts for ever."""

from dataclasses import dataclass
from random import Random
from typing import Final, Literal, NamedTuple

Use = Literal["STREET", "OFFICE", "RETAIL", "MOTORWAY"]

# About what a public connector serves, over all kinds of sites; more would queue for most of the day.
SESSIONS_PER_CONNECTOR_AND_DAY: Final = 2
# At most one session is open per connector, so this bounds the memory whatever the number of sessions:
# with 64 copies of the sites below, about a thousand.
MAX_COPIES: Final = 64

# Most meters count watt-hours; some show fewer digits, some all that the contract allows.
_RESOLUTIONS_MILLIWH: Final = (1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 10_000, 1)
_MAX_FIRST_REGISTER_MILLIWH: Final = 90_000_000_000


class Site(NamedTuple):
    """One kind of place with its stations; `connectors` of them stand at each."""

    code: str
    country: str
    time_zone: str
    use: Use
    power_type: str
    power_w_max: int
    connectors: int
    tariff_id: str


SITES: Final = (
    Site("AMS", "NL", "Europe/Amsterdam", "STREET", "AC_3_PHASE", 11_000, 3, "NL-AC-DAY-NIGHT"),
    Site("UTR", "NL", "Europe/Amsterdam", "OFFICE", "AC_3_PHASE", 22_000, 2, "NL-AC-FLAT"),
    Site("RTM", "NL", "Europe/Amsterdam", "RETAIL", "AC_3_PHASE", 22_000, 2, "NL-AC-PARKING"),
    Site("A2", "NL", "Europe/Amsterdam", "MOTORWAY", "DC", 150_000, 1, "NL-DC-FAST"),
    Site("MUC", "DE", "Europe/Berlin", "STREET", "AC_3_PHASE", 11_000, 2, "DE-AC-START"),
    Site("A9", "DE", "Europe/Berlin", "MOTORWAY", "DC", 300_000, 2, "DE-DC-POWER"),
    Site("ANR", "BE", "Europe/Brussels", "STREET", "AC_1_PHASE", 7_400, 2, "BE-AC-GROSS"),
    Site("BRU", "BE", "Europe/Brussels", "RETAIL", "DC", 50_000, 1, "BE-DC-TIME"),
    Site("GNT", "BE", "Europe/Brussels", "RETAIL", "AC_1_PHASE", 3_700, 1, "BE-AC-FREE"),
)
_CONNECTORS_OF_ALL_SITES: Final = sum(site.connectors for site in SITES)


@dataclass(slots=True)
class Connector:
    """A connector and its meter; register, `free_at_s` and `page` (of what it signs) move on with every session."""

    site: Site
    location_id: str
    station_id: str
    evse_uid: str
    meter_id: str
    resolution_milliwh: int
    register_milliwh: int
    free_at_s: int = 0
    page: int = 0

    @property
    def operator_id(self) -> str:
        return f"{self.site.country}*ABC"

    def shown_milliwh(self, energy_milliwh: int = 0) -> int:
        """What the meter shows once it has counted so much more: digits that it lacks are cut off."""
        register = self.register_milliwh + energy_milliwh
        return register - register % self.resolution_milliwh


def copies_for(sessions: int, days: int) -> int:
    """How often the sites must stand to serve so many sessions in so many days."""
    per_copy = _CONNECTORS_OF_ALL_SITES * SESSIONS_PER_CONNECTOR_AND_DAY * days
    return min(MAX_COPIES, -(-sessions // per_copy))


def days_for(sessions: int, days_min: int) -> int:
    """Days that the sessions take: `days_min`, or more when the largest network is not enough."""
    per_day = MAX_COPIES * _CONNECTORS_OF_ALL_SITES * SESSIONS_PER_CONNECTOR_AND_DAY
    return max(days_min, -(-sessions // per_day))


def build_network(copies: int, rng: Random) -> dict[Site, list[Connector]]:
    """All connectors by site."""
    return {site: _connectors_of(site, place, copies, rng) for place, site in enumerate(SITES, 1)}


def _connectors_of(site: Site, place: int, copies: int, rng: Random) -> list[Connector]:
    return [
        _connector(site, place * 1_000 + copy, number, rng)
        for copy in range(1, copies + 1)
        for number in range(1, site.connectors + 1)
    ]


def _connector(site: Site, station_number: int, number: int, rng: Random) -> Connector:
    resolution = rng.choice(_RESOLUTIONS_MILLIWH)
    register = rng.randrange(_MAX_FIRST_REGISTER_MILLIWH)
    return Connector(
        site=site,
        location_id=f"{site.country}-{site.code}-{station_number % 1_000:02d}",
        station_id=f"{site.country}*ABC*S{station_number}",
        evse_uid=f"{site.country}*ABC*E{station_number}*{number}",
        meter_id=f"M-{station_number}-{number}",
        resolution_milliwh=resolution,
        register_milliwh=register - register % resolution,
    )
