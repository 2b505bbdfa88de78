# check runs what decides whether a change may land.
.PHONY: check
check:
	bash .ci/run
