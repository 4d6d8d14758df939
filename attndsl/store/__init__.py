"""Runs that outlast a process and a machine: a folder or URL per run, a ledger of its units of work, locks, workers."""
