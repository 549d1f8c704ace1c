"""What Postern does on this machine, measured: ingress, batches, and from post to `done`.

`make bench` runs all cases in one run, on the same cores, in short interleaved slices; nothing is
asserted.
"""
