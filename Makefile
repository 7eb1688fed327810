# Tenure. `make help` lists the targets; everything is built under build/$(MODE)/.
# Modes: release, debug, asan (address + undefined), tsan, cov, fuzz (clang's libFuzzer).
MODE ?= release
OUT  ?= build/$(MODE)
CC   ?= gcc

MODE_FLAGS_release := -O2 -g
MODE_FLAGS_debug   := -O0 -g
MODE_FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_FLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
MODE_FLAGS_cov     := -O0 -g --coverage
MODE_FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Wwrite-strings
# The whole tree is compiled without contraction of floating point: an fma stands only where it is written (DESIGN 8.1).
FLAGS := -std=gnu17 -D_GNU_SOURCE -DOPENSSL_API_COMPAT=10100 -I. -ffp-contract=off -fno-strict-aliasing -fstack-protector-strong \
         $(WARNINGS) $(MODE_FLAGS_$(MODE)) $(EXTRA)

# Instruction sets of single files.
FLAGS_trainer/kernel_scalar.c := -mfma -fno-tree-vectorize
FLAGS_trainer/kernel_avx2.c   := -mavx2 -mfma
FLAGS_trainer/kernel_avx512.c := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma

# --- folders and who may link whom (DESIGN 3) ---
FOLDERS := base consensus trainer net contracts ledger tools/sys tools/tenured tools/tenure
NEEDS_base          := base
NEEDS_consensus     := consensus base
NEEDS_trainer       := trainer base
NEEDS_net           := net base
NEEDS_contracts     := contracts trainer base
NEEDS_ledger        := ledger contracts trainer base
NEEDS_tools/sys     := tools/sys base
NEEDS_tools/tenured := tools/tenured ledger contracts trainer consensus net tools/sys base
NEEDS_tools/tenure  := tools/tenure ledger contracts trainer consensus net tools/sys base

LIBS_base          := -lsecp256k1 -lmsgpackc -lcrypto
LIBS_consensus     := $(LIBS_base)
LIBS_trainer       := -lm $(LIBS_base)
LIBS_net           := -lnng -lmicrohttpd $(LIBS_base)
LIBS_contracts     := -ltommath $(LIBS_trainer)
LIBS_ledger        := -lrocksdb $(LIBS_contracts)
LIBS_tools/sys     := -linih -lpthread $(LIBS_base)
LIBS_tools/tenured := -lnng -lmicrohttpd -lcurl -ljansson -linih -lz -lpthread $(LIBS_ledger)
LIBS_tools/tenure  := $(LIBS_tools/tenured)

lib      = $(OUT)/lib$(subst /,-,$(1)).a
libs     = $(foreach folder,$(NEEDS_$(1)),$(call lib,$(folder)))
folder_c = $(filter-out %/main.c,$(wildcard $(1)/*.c))
object   = $(patsubst %.c,$(OUT)/%.o,$(1))

PROGRAMS := $(patsubst tools/%/main.c,$(OUT)/%,$(wildcard tools/*/main.c))
UNITS    := $(patsubst test/unit/%.c,$(OUT)/unit/%,$(wildcard test/unit/test_*.c))

.PHONY: all check check-long check-source demo bench format help clean setup programs units
.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

all: programs ## build the programs

programs: $(PROGRAMS)
units: $(UNITS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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
FORCE:

$(OUT)/%.o: %.c $(STAMP) | $(SETUP)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(FLAGS_$<) -MMD -MP -c $< -o $@

define archive
$(call lib,$(1)): $$(call object,$$(call folder_c,$(1)))
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach folder,$(FOLDERS),$(eval $(call archive,$(folder))))

# --- programs: a folder under tools/ with a main.c ---
define program
$(OUT)/$(1): $(OUT)/tools/$(1)/main.o $(call libs,tools/$(if $(filter tools/$(1),$(FOLDERS)),$(1),tenure))
	$$(CC) $$(FLAGS) $$^ $(LIBS_tools/tenured) -o $$@
endef
$(foreach name,$(patsubst tools/%/main.c,%,$(wildcard tools/*/main.c)),$(eval $(call program,$(name))))

# --- unit tests: test/unit/test_slot.c tests slot.c and links its folder and what that may include, no more ---
home_of = $(patsubst %/,%,$(dir $(firstword $(wildcard $(foreach folder,$(FOLDERS),$(folder)/$(1).c $(folder)/$(1).h)))))
define unit
$(OUT)/unit/$(1): $(OUT)/test/unit/$(1).o $(OUT)/test/harness.o $(call libs,$(call home_of,$(patsubst test_%,%,$(1))))
	@mkdir -p $$(@D)
	$$(CC) $$(FLAGS) $$^ $(LIBS_$(call home_of,$(patsubst test_%,%,$(1)))) -lcheck -lsubunit -lrt -lm -lpthread -o $$@
endef
$(foreach name,$(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c)),$(eval $(call unit,$(name))))

check: units ## every test, under five minutes on two cores
	@tools/checks/run-units $(UNITS)

format: ## clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## remove build/
	rm -rf build

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
