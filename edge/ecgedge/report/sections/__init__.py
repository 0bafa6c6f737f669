"""The sections of the page: each takes findings and gives markup, nothing where it has nothing to say.

Every word that is not our own goes through ``page.markup``, which escapes it. Nothing here computes what is
not in the findings.
"""
