"""Reading what apt says about this machine's archives and their packages."""

from __future__ import annotations

from toolchain.apt import Mirror, parse_packages, parse_targets

TARGETS = """\
http://mirror.example/debian-security/|bookworm-security|Debian
http://mirror.example/debian/|bookworm|Debian
http://mirror.example/debian/|bookworm-updates|Debian
http://vendor.example/apt/|stable|Vendor
"""

PACKAGES = """\
Package: valkey-server
Version: 9.1.2-1
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, valkey-tools (= 9.1.2-1), debconf (>= 0.5) | debconf-2.0
Description: server
 Depends: this is text

Package: libssl3t64
Version: 3.6.5-1
Depends: libc6 (>= 2.38)
"""


def test_only_archives_of_the_distribution_count_and_security_ones_do_not() -> None:
    assert parse_targets(TARGETS, "debian") == (
        Mirror("http://mirror.example/debian/", "debian", "bookworm"),
    )


def test_the_machine_is_believed_where_no_list_was_fetched_yet() -> None:
    text = "http://mirror.example/ubuntu/|noble-updates|$(ORIGIN)\n"
    assert parse_targets(text, "ubuntu") == (
        Mirror("http://mirror.example/ubuntu/", "ubuntu", "noble"),
    )
    assert parse_targets(text, "alpine") == ()


def test_dependencies_are_names_and_of_alternatives_the_first() -> None:
    packages = parse_packages(PACKAGES)
    assert packages["valkey-server"].version == "9.1.2-1"
    assert packages["valkey-server"].depends == (
        "init-system-helpers",
        "adduser",
        "valkey-tools",
        "debconf",
    )
    assert packages["libssl3t64"].depends == ("libc6",)
