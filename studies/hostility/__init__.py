"""Tries to make the judge crash, hang, accept what is damaged, or leave something behind."""
