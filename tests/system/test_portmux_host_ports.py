# SPDX-License-Identifier: GPL-2.0-or-later
"""What each copy is told in its environment."""

import pytest

pytestmark = pytest.mark.host(lan=False)

TOLD = "printf '%s ' $COPY $COPY_NAME $HOST_PORT $HOST_PORT_8080 $HOST_PORT_8080_UDP $HOST_PORT_53_UDP; echo"
RUN = ("--files", "private", "-d", "copies", "--name", "web", "-n", "2", "-q")


def told(host, project, *options):
    """Return what copies 1 and 2 have printed."""
    run = host.start_portmux(project, *RUN, *options, "--", "sh", "-c", TOLD)
    assert run.wait() == 0, run.transcript()
    return [run.said(number) for number in (1, 2)]


def test_its_number_its_name_and_its_host_ports(host, project):
    """The first mapping has a name without a number, each one has a name with its port; UDP says so."""
    ports = ("-p", "5301+:53/udp", "-p", "8081+:8080")
    assert told(host, project, *ports) == [["1 web-1 5301 8081 5301 "], ["2 web-2 5302 8082 5302 "]]


def test_of_two_mappings_to_a_port_the_first_is_told(host, project):
    """Which is also the one that HOST_PORT has."""
    ports = ("-p", "8081+:8080", "-p", "127.0.0.1:9081+:8080", "-p", "7001+:8080/udp")
    assert told(host, project, *ports) == [["1 web-1 8081 8081 7001 "], ["2 web-2 8082 8082 7002 "]]


def test_nothing_is_told_of_a_port_that_is_not_mapped(host, project):
    """Neither of TCP nor of UDP."""
    assert told(host, project) == [["1 web-1 "], ["2 web-2 "]]
