"""Faults: of disks, processes, numbers and clocks."""
