# Tenure. `make help` lists the targets; everything is built under build/$(MODE)/.
# Modes: release, debug, asan (address + undefined), tsan, cov, fuzz (clang's libFuzzer).
MODE ?= release
OUT  ?= build/$(MODE)
ifeq ($(origin CC),default)
CC   := $(if $(filter fuzz,$(MODE)),clang,gcc)
endif

MODE_FLAGS_release := -O2 -g
MODE_FLAGS_debug   := -O0 -g
MODE_FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_FLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
MODE_FLAGS_cov     := -O0 -g --coverage
MODE_FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

export TSAN_OPTIONS ?= suppressions=$(CURDIR)/test/tsan.supp die_after_fork=0

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Wwrite-strings
# The whole tree is compiled without contraction of floating point: an fma stands only where it is written (DESIGN 8.1).
FLAGS := -std=gnu17 -D_GNU_SOURCE -DOPENSSL_API_COMPAT=10100 -I. -ffp-contract=off -fno-strict-aliasing -fstack-protector-strong \
         $(WARNINGS) $(MODE_FLAGS_$(MODE)) $(EXTRA)

# Instruction sets of single files. Clang takes minutes over the kernels under a sanitizer, so there they go without; gcc's has them.
CLANG := $(findstring clang,$(CC))
PLAIN := $(if $(CLANG),$(if $(filter asan tsan fuzz,$(MODE)),-fno-sanitize=all))
FLAGS_trainer/kernel_scalar.c := -mfma -fno-math-errno $(if $(CLANG),-fno-vectorize -fno-slp-vectorize,-fno-tree-vectorize) $(PLAIN)
FLAGS_trainer/kernel_avx2.c   := -mavx2 -mfma $(PLAIN)
FLAGS_trainer/kernel_avx512.c := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma $(PLAIN)

# AArch64's: test/operators/check compiles it.
FOREIGN := trainer/kernel_neon.c

# --- folders, and which libraries each links: its own first, then those it may include (DESIGN 3) ---
NEEDS_base          := base
NEEDS_consensus     := consensus base
NEEDS_trainer       := trainer base
NEEDS_net           := net base
NEEDS_contracts     := contracts trainer base
NEEDS_ledger        := ledger contracts trainer base
NEEDS_tools/sys     := tools/sys base
NEEDS_tools/tenured := tools/tenured ledger contracts trainer consensus net tools/sys base
NEEDS_tools/tenure  := tools/tenure ledger contracts trainer consensus net tools/sys base
NEEDS_tools/demo    := tools/demo $(NEEDS_tools/tenure)
# Its store in memory comes before the ledger's, so RocksDB isn't linked.
NEEDS_test/sim      := test/sim ledger contracts trainer consensus tools/sys base
NEEDS_test/fuzz     := test/fuzz tools/tenured $(NEEDS_tools/tenure)
NEEDS_test/bench    := $(NEEDS_tools/tenure)
NEEDS_test/reference := base
NEEDS_test/engine   := tools/sys trainer base
NEEDS_test/math     := trainer base
NEEDS_test/torch    := tools/sys trainer base
FOLDERS := base consensus trainer net contracts ledger tools/sys tools/tenured tools/tenure tools/demo test/sim test/fuzz

LIBS_base          := -lsecp256k1 -lmsgpackc -lcrypto
LIBS_consensus     := $(LIBS_base)
LIBS_trainer       := $(LIBS_base) -lm -lz
LIBS_net           := -lnng -lmicrohttpd -lgnutls -lcurl -lpthread $(LIBS_base)
LIBS_contracts     := -ltommath $(LIBS_trainer)
LIBS_ledger        := -lrocksdb $(LIBS_contracts)
LIBS_tools/sys     := -linih -lpthread $(LIBS_base)
LIBS_tools/tenured := -lnng -lmicrohttpd -lgnutls -lcurl -ljansson -linih -lpthread $(LIBS_ledger)
LIBS_tools/tenure  := -licuuc $(LIBS_tools/tenured)
LIBS_tools/demo    := $(LIBS_tools/tenure)
LIBS_test/sim      := -linih -lpthread $(LIBS_contracts)
LIBS_test/fuzz     := $(LIBS_tools/tenure)
LIBS_test/bench    := $(LIBS_tools/tenure) -lopenblas
LIBS_test/reference := $(LIBS_base) -lm
LIBS_test/engine   := -linih -lpthread $(LIBS_trainer)
LIBS_test/math     := $(LIBS_trainer) -lmpfr
LIBS_test/torch    := -linih -lpthread $(LIBS_trainer)

comma   := ,
lib      = $(OUT)/lib$(subst /,-,$(1)).a
libs     = $(foreach folder,$(NEEDS_$(1)),$(call lib,$(folder)))
folder_c = $(filter-out %/main.c $(1)/fuzz_%.c $(FOREIGN),$(wildcard $(1)/*.c))
object   = $(patsubst %.c,$(OUT)/%.o,$(1))
names    = $(patsubst $(1)/%.c,%,$(wildcard $(1)/$(2)*.c))

PROGRAMS := $(patsubst tools/%/main.c,$(OUT)/%,$(wildcard tools/*/main.c))
UNITS    := $(patsubst %,$(OUT)/unit/%,$(call names,test/unit,test_))
SIM      := $(patsubst test/sim/main.c,$(OUT)/sim,$(wildcard test/sim/main.c))
FUZZERS  := $(patsubst %,$(OUT)/fuzz/%,$(call names,test/fuzz,fuzz_))
BENCHES  := $(patsubst %,$(OUT)/bench/%,$(call names,test/bench,))
E2E      := $(sort $(wildcard test/e2e/[0-9]*))
FAULTS   := $(sort $(wildcard test/e2e/faults-*))
ACTORS   := $(OUT)/lying-peer $(OUT)/lazy-replayer $(OUT)/hostile $(OUT)/attacker

# How much `check` and `check-long` do.
SEEDS        ?= 2000
GAMES        ?= 5000
FUZZ_SECONDS ?= 30

.PHONY: all programs setup check check-long check-bits check-math check-torch check-source check-e2e museum units fuzz games demo bench quality golden format help clean FORCE
.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

all: programs ## build the programs
programs: $(PROGRAMS)

help: ## this list
	@echo 'make TARGET [MODE=release|debug|asan|tsan|cov|fuzz] [CC=clang]'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

# --- set-up: Debian packages that are missing, once for each change of the list ---
SETUP := build/.setup
setup: $(SETUP) ## install what is missing from Debian (tools/setup/packages.txt)
$(SETUP): tools/setup/packages.txt tools/setup/install
	@mkdir -p $(@D)
	@tools/setup/install
	@touch $@

# --- compiling: changed flags rebuild ---
STAMP := $(OUT)/.flags
FLAGS_NOW := $(CC) $(FLAGS)
$(STAMP): FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@

$(OUT)/%.o: %.c $(STAMP) | $(SETUP)
	@mkdir -p $(@D)
	@echo '  cc    $<'
	@$(CC) $(FLAGS) $(FLAGS_$<) -MMD -MP -c $< -o $@

# An archive is made anew when its list of objects changes, so that a deleted file leaves it.
define archive
$(call lib,$(1)): $(call object,$(call folder_c,$(1))) $(OUT)/.members$(subst /,-,$(1))
	@rm -f $$@
	@ar rcs $$@ $$(filter %.o,$$^)
$(OUT)/.members$(subst /,-,$(1)): FORCE
	@mkdir -p $$(@D)
	@echo '$(call folder_c,$(1))' | cmp -s - $$@ || echo '$(call folder_c,$(1))' > $$@
endef
$(foreach folder,$(FOLDERS),$(eval $(call archive,$(folder))))

# $(call program,OUTPUT,OBJECTS,FOLDER whose libraries it links,more flags)
define program
$(1): $(2) $(call libs,$(3))
	@mkdir -p $$(@D)
	@echo '  link  $$@'
	@$$(CC) $$(FLAGS) $$^ $(LIBS_$(3)) $(4) -o $$@
endef
$(foreach name,$(PROGRAMS:$(OUT)/%=%),$(eval $(call program,$(OUT)/$(name),$(OUT)/tools/$(name)/main.o,tools/$(name))))
$(foreach name,$(BENCHES:$(OUT)/bench/%=%),$(eval $(call program,$(OUT)/bench/$(name),$(OUT)/test/bench/$(name).o,test/bench)))
$(eval $(call program,$(OUT)/quality,$(call object,$(patsubst %,test/quality/%.c,main contest plot)),tools/tenure))
$(eval $(call program,$(OUT)/golden,$(OUT)/test/golden/main.o,test/fuzz))
$(eval $(call program,$(OUT)/reference,$(call object,$(patsubst %,test/reference/%.c,main course descent numbers perceptron pupil transformer)),test/reference))
$(eval $(call program,$(OUT)/engine,$(call object,$(patsubst %,test/reference/%.c,engine course)),test/engine))
$(eval $(call program,$(OUT)/steps,$(OUT)/test/torch/main.o,test/torch))
$(eval $(call program,$(OUT)/math,$(OUT)/test/math/main.o,test/math))
$(eval $(call program,$(OUT)/hostile,$(OUT)/test/e2e/hostile.o,tools/tenured))
$(eval $(call program,$(OUT)/sim,$(OUT)/test/sim/main.o,test/sim))
$(eval $(call program,$(OUT)/games,$(OUT)/test/games/main.o $(OUT)/test/harness.o,contracts,-lcheck -lsubunit -lrt -lm -lpthread))

# A validator that lies in state transfer, for the end-to-end tests: the same objects but for one function.
$(eval $(call program,$(OUT)/lying-peer,$(OUT)/tools/tenured/main.o $(OUT)/test/e2e/lying_peer.o,tools/tenured,-Wl$(comma)--wrap=snapshot_cut))

# A worker that hands out its trace, and a replayer that copies it.
$(eval $(call program,$(OUT)/lazy-replayer,$(OUT)/tools/tenure/main.o $(OUT)/test/e2e/lazy_replayer.o,tools/tenure,$(patsubst %,-Wl$(comma)--wrap=%,planting_show segment_advance)))

# A validator that attacks, for the measures of bad days and the long tests.
$(eval $(call program,$(OUT)/attacker,$(call object,tools/tenured/main.c test/e2e/attacker.c test/sim/forge.c test/sim/dice.c),tools/tenured,$(patsubst %,-Wl$(comma)--wrap=%,node_send peer_send verify_message)))

# A unit test test_slot.c tests slot.c and links slot.c's folder and what that may include, no more.
home_of = $(firstword $(foreach folder,$(FOLDERS),$(if $(wildcard $(folder)/$(1:test_%=%).[ch]),$(folder))))
$(foreach name,$(UNITS:$(OUT)/unit/%=%),$(eval $(call program,$(OUT)/unit/$(name),$(OUT)/test/unit/$(name).o $(OUT)/test/harness.o,$(call \
	home_of,$(name)),-lcheck -lsubunit -lrt -lm -lpthread)))

# The table of all records, from the headers that declare them (test/fuzz/records.h).
RECORDS := $(OUT)/records.inc
$(RECORDS): FORCE
	@mkdir -p $(@D)
	@sed -n 's/^extern const struct record \([a-z0-9_]*\);.*/RECORD_ENTRY(\1)/p' $(wildcard $(FOLDERS:%=%/*.h)) | LC_ALL=C sort > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
$(OUT)/test/fuzz/records.o: $(RECORDS)
FLAGS_test/fuzz/records.c := -I$(OUT)

# A fuzz target is fuzzed by clang's libFuzzer, and in all other modes replays files.
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer,$(OUT)/test/fuzz/main.o)
$(foreach name,$(FUZZERS:$(OUT)/fuzz/%=%),$(eval $(call program,$(OUT)/fuzz/$(name),$(OUT)/test/fuzz/$(name).o \
	$(filter %.o,$(FUZZ_MAIN)),test/fuzz,$(filter -%,$(FUZZ_MAIN)))))

# --- tests ---
LIBRARIES := $(foreach folder,$(FOLDERS),$(call lib,$(folder)))
RUN       := tools/checks/run
# A sanitizer's objects have data and calls of their own, so the rules about objects hold for the plain modes.
SOURCE    := 'tools/checks/source $(if $(filter release debug,$(MODE)),$(OUT))' tools/checks/test_source
REPLAY    := $(foreach name,$(FUZZERS:$(OUT)/fuzz/%=%),'$(OUT)/fuzz/$(name) $(wildcard test/fuzz/corpus/$(name:fuzz_%=%))')
GOLDEN    := 'sh -c "$(OUT)/golden | diff -u test/golden/vectors.txt -"'
# A second implementation of the numeric profile, from its specification, must come to the same traces.
NUMERICS  := 'test/golden/numerics test/unit/test_segment.c test/unit/test_network.c'
REFERENCE := 'test/reference/check --out $(OUT)'
MATH      := '$(OUT)/math --sample'
PLAY      := '$(OUT)/games --jobs $(GAMES)'
SIMULATE  := $(if $(SIM),'$(SIM) --seeds test/sim/seeds.txt --from 1 --count $(SEEDS) --shrink')

units: $(UNITS)

check: $(UNITS) $(SIM) $(OUT)/games $(FUZZERS) $(OUT)/golden $(OUT)/reference $(OUT)/engine $(OUT)/math $(ACTORS) $(PROGRAMS) $(LIBRARIES) ## every test, under five minutes on two cores
	@OUT=$(OUT) $(RUN) $(SOURCE) $(UNITS) $(GOLDEN) $(NUMERICS) $(REFERENCE) $(MATH) $(REPLAY) $(PLAY) $(SIMULATE) -- $(E2E)

check-long: SEEDS := 10000
check-long: GAMES := 100000
check-long: SIMULATE += $(if $(SIM),'$(SIM) --exhaust 4' '$(SIM) --exhaust 5 --count 370000' '$(SIM) --exhaust 5 --from 370000 --count 370000' '$(SIM) --orders' '$(SIM) --from 10001 --count 10000' '$(SIM) --from 20001 --count 10000' \
            '$(SIM) --from 30001 --count 300 --set ledger=2')
check-long: E2E += $(FAULTS)
check-long: export LIMIT_S := 1800
check-long: check check-bits check-math check-torch museum ## the same with many more simulated seeds, and the other checks but fuzzing

check-bits: $(OUT)/reference $(OUT)/engine ## the trainer and test/reference: all compilers, kernels (NEON by qemu-user, CUDA), threads, random programs
	@LIMIT_S=1800 $(RUN) -- test/operators/check 'test/reference/check --out $(OUT) --from 1001 --courses 200' 'test/reference/check --bits'

check-math: $(OUT)/math ## exp, log, GELU and the cosine at all floats, by every kernel, against libm and MPFR: ten minutes
	@LIMIT_S=1800 $(RUN) $(foreach name,exp log gelu slope cosine,'$(OUT)/math $(name)')

check-torch: $(OUT)/steps ## gradients and losses against PyTorch, if Debian's python3-torch is installed
	@$(RUN) -- 'test/torch/check --out $(OUT)'

games: $(OUT)/games ## play every way of cheating over 100,000 jobs, and write docs/games.md
	$(OUT)/games --jobs 100000 --out docs/games.md

museum: | $(SETUP) ## bring known bugs of PBFT and its relatives in, one by one: each must be killed by a check
	@test/museum/run

check-source: $(LIBRARIES) ## the rules for the source: layers, names, purity, headers, length
	@$(RUN) $(SOURCE)

check-e2e: $(PROGRAMS) $(ACTORS) $(OUT)/reference ## the end-to-end tests alone, with the long ones: faults on real processes
	@OUT=$(OUT) $(RUN) -- $(E2E) $(FAULTS)

fuzz: $(FUZZERS) $(OUT)/golden ## fuzz each target for FUZZ_SECONDS (make fuzz MODE=fuzz); what it finds stays under build/
	@$(if $(filter fuzz,$(MODE)),,echo 'fuzz: say make fuzz MODE=fuzz' >&2; exit 2)
	@mkdir -p $(OUT)/corpus/record && $(OUT)/golden --samples $(OUT)/corpus/record
	@for name in $(FUZZERS:$(OUT)/fuzz/fuzz_%=%); do \
	    mkdir -p $(OUT)/corpus/$$name && \
	    $(OUT)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=1024 -artifact_prefix=$(OUT)/corpus/$$name- \
	        $(OUT)/corpus/$$name test/fuzz/corpus/$$name || exit 1; \
	done

demo: $(PROGRAMS) ## the main job: train on four validators, catch a cheat, pay the honest
	@$(OUT)/demo

bench: $(PROGRAMS) $(BENCHES) $(OUT)/attacker ## measure; JSON under build/bench/
	@mkdir -p build/bench
	@for bench in $(filter-out %/restart,$(BENCHES)); do OUT=$(OUT) $$bench || exit 1; done

quality: $(OUT)/quality ## train dense and in rounds, and write docs/rounds.md and its picture; some minutes
	$(OUT)/quality build/rounds.svg > build/rounds.md
	mv build/rounds.md build/rounds.svg docs/

golden: $(OUT)/golden ## write the golden vectors anew; review their diff
	$(OUT)/golden > test/golden/vectors.txt

format: ## clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove build/
	rm -rf build

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
