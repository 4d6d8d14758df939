"""Asking a language model: prices, budget, ledger, and the client of the Messages and Batches interfaces."""
