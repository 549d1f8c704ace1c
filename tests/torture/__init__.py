"""Postern under a seeded random schedule of faults, by the clock: `make torture MINUTES=30 SEED=7`.

    traffic.py   senders at a steady rate, who send again until they are acknowledged
    rig.py       the stack, with a proxy on every connection between its parts
    faults.py    what can happen to it
    schedule.py  when it does, from a seed
    verdict.py   what was acknowledged beside what became of it

Every fault ends by itself; nobody repairs anything but what a supervisor would: a process that was
killed is started again. What must not go in: faults that break what the delivery protocol assumes
(see `faults`), and checks that look at one part of Postern only.
"""
