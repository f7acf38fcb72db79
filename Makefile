# A thin front over make.py, which does the work on every system (on Windows: py make.py book).
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help book test lab replicate lesson renumber contents repository handout grade bench anki publish pdf epub clean distclean

help book test lab contents bench anki pdf epub clean distclean:
	@$(PYTHON) make.py $@ $(if $(QUICK),QUICK=$(QUICK)) $(ARGS)

# make replicate 05 07 RUNS=12: the words after it are lessons, no targets of their own
ifeq (replicate,$(firstword $(MAKECMDGOALS)))
LESSONS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(if $(LESSONS),$(eval $(LESSONS):;@:))
endif

replicate:
	@$(PYTHON) make.py replicate $(LESSONS) $(if $(RUNS),RUNS=$(RUNS)) $(if $(CONFIRM),CONFIRM=$(CONFIRM)) $(ARGS)

# make renumber SLUG=denoising TO=05
renumber:
	@$(PYTHON) make.py renumber $(if $(SLUG),"SLUG=$(SLUG)") $(if $(TO),"TO=$(TO)") $(ARGS)

# make lesson SLUG=anomaly_detection TITLE="Anomaly detection"
lesson:
	@$(PYTHON) make.py lesson $(if $(SLUG),"SLUG=$(SLUG)") $(if $(TITLE),"TITLE=$(TITLE)") $(ARGS)

# make repository URL=https://github.com/you/autoencoders
repository:
	@$(PYTHON) make.py repository $(if $(filter undefined,$(origin URL)),,"URL=$(URL)") $(ARGS)

# make publish [SITE=https://you.github.io/autoencoders]
publish:
	@$(PYTHON) make.py publish $(if $(SITE),"SITE=$(SITE)") $(if $(QUICK),QUICK=$(QUICK)) $(ARGS)

# make handout [FOLDER=class]
handout:
	@$(PYTHON) make.py handout $(if $(FOLDER),"FOLDER=$(FOLDER)") $(ARGS)

# make grade returned, or: make grade FOLDER=returned
ifeq (grade,$(firstword $(MAKECMDGOALS)))
RETURNED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(if $(RETURNED),$(eval .PHONY: $(RETURNED))$(eval $(RETURNED):;@:))
endif

grade:
	@$(PYTHON) make.py grade $(if $(FOLDER)$(RETURNED),"FOLDER=$(or $(FOLDER),$(RETURNED))") $(ARGS)
