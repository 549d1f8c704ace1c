"""What the chart renders, started on this machine."""
