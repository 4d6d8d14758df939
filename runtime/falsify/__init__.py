"""What each rule of a program does, and texts on which the program is wrong.

``rules`` takes a program apart, ``coverage`` says which rules fire and what they are worth, ``search`` looks for texts
on which a program and a head disagree, ``shrink`` makes such a text short, ``blame`` names the rule.
"""
