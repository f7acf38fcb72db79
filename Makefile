# A thin front over make.py, which does the work on every system (on Windows: py make.py book).
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help book test lab replicate bench anki clean distclean

help book test lab bench anki clean distclean:
	@$(PYTHON) make.py $@ $(ARGS)

# make replicate 05 07 RUNS=12: the words after it are lessons, no targets of their own
ifeq (replicate,$(firstword $(MAKECMDGOALS)))
LESSONS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(if $(LESSONS),$(eval $(LESSONS):;@:))
endif

replicate:
	@$(PYTHON) make.py replicate $(LESSONS) $(if $(RUNS),RUNS=$(RUNS)) $(if $(CONFIRM),CONFIRM=$(CONFIRM)) $(ARGS)
