"""Sentences that stand on whatever leaves the program."""

NOTICE = "research software, not a diagnosis"
SYNTHETIC = "trained on synthetic faces: its scores say nothing about people"
