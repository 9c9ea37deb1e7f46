"""The engine of every study: keyed jobs that become sealed records in a folder.

`compare`, `tune` and `caption study` say which jobs there are and what a record means; everything else is here.
"""
