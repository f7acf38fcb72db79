# A thin front over make.py, which does the work on every system (on Windows: py make.py book).
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help book test lab bench anki clean distclean

help book test lab bench anki clean distclean:
	@$(PYTHON) make.py $@ $(ARGS)
