# SPDX-License-Identifier: Apache-2.0
"""What must come before what."""

from __future__ import annotations

from replay.simulator.order import Clock


def test_moments_of_one_actor_are_ordered() -> None:
    """Strictly."""
    clock = Clock(0, 2)
    first, second = clock.tick(), clock.tick()
    assert first.before(second)
    assert not second.before(first)
    assert not first.before(first)


def test_only_a_message_orders_two_actors() -> None:
    """And it orders all that came before it, also through a third one."""
    a, b, c = (Clock(actor, 3) for actor in range(3))
    begin, alone = a.tick(), c.tick()
    b.receive(begin)
    middle = b.tick()
    assert begin.before(middle)
    assert not alone.before(middle)
    assert not middle.before(alone)
    later = a.tick()
    assert not later.before(middle)
    assert not middle.before(later)
    c.receive(middle)
    assert begin.before(c.tick())
