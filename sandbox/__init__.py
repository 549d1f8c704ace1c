"""Faithful simulators of the two vendors, with faults on order, and a page to watch what they did.

They share no code with `vendors`: a mistake made there must not be made here too.
"""
