"""`postern gateway --workers N`: several processes that take events on one port.

    parent.py   starts them, starts them again, ends them
    worker.py   one of them: a gateway whose parent answers probes and metrics for it
    admin.py    probes and metrics of all of them as if they were one process
    merging.py  their metrics, added up

The system shares connections out among them (SO_REUSEPORT). What must not go in: anything that is
done with a request; a worker knows of no other.
"""
