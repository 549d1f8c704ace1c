"""`make bench-journal`: what the size of a journal does to it.

    filling.py   a journal with many ended actions, as a month of orders would leave it
    cases.py     what workers, operators and retention ask of it
    plans.py     how PostgreSQL answered: its own account of each query

Two journals of different size stand side by side, and each case is measured on both by turns.
"""
