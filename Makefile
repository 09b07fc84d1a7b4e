# `make app` serves the app, `make test` runs all checks. Both set up what they need, without
# root, and are quick the second time. Python 3.11 to 3.13, git and make are all they ask for.

PORT ?= 8501
# Who may reach the app: this computer alone, unless told otherwise (ADDRESS=0.0.0.0 is everybody).
ADDRESS ?= 127.0.0.1
UV_VERSION := 0.13.8
# The interpreter itself and not what leads to it: a shim of pyenv or asdf, or a venv's link, is not
# the one that .venv was made with, and so made uv replace it at every sync.
PYTHON := $(shell for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c 'import os, sys; \
	(3, 11) <= sys.version_info[:2] < (3, 14) or sys.exit(1); \
	print(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))' 2>/dev/null \
	&& break; done)
UV := .tools/bin/uv
export UV_PYTHON := $(PYTHON)
export UV_PYTHON_DOWNLOADS := never

.PHONY: gpu-campaign app test lint types test-app test-e2e test-rest test-live test-training bench bench-peers performance studies detectors screenshots report slides docs setup-train setup-batch clean deploy-files audit coverage-store mutation-store test-hostile

app: .venv/.app
	@echo "Mien listens on http://$(ADDRESS):$(PORT)$(if $(filter 127.0.0.1 localhost,$(ADDRESS)),; this computer alone reaches it. ADDRESS=0.0.0.0 lets others in.,; other computers may reach it.)"
	.venv/bin/streamlit run serve.py --server.address $(ADDRESS) --server.port $(PORT)

# Types are checked, and the training's environment is made, while the app's tests run.
test: lint
	$(MAKE) -j3 types test-app .venv-train/.train
	$(MAKE) test-rest

# The browser's tests mostly wait, so the training's run beside them; each is told in one piece.
test-rest: .venv/.dev .venv-train/.train
	@mkdir -p build; $(MAKE) test-training >build/test-training.log 2>&1 & training=$$!; \
	$(MAKE) test-e2e; failed=$$?; \
	wait $$training || failed=$$?; cat build/test-training.log; exit $$failed

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/deptry .

types: .venv/.dev
	.venv/bin/mypy

# The app's environment has no TensorFlow in it, so these tests meet what a user installs.
test-app: .venv/.dev
	.venv/bin/python -m pytest -n 2 --dist loadfile --durations 25 --ignore tests/training --ignore tests/e2e

# Apart from the others: the browser's driver keeps an event loop running in its process.
test-e2e: .venv/.dev
	.venv/bin/python -m pytest -n 2 --dist loadscope --durations 15 tests/e2e

# Live video in a real browser, and five minutes with a slow model; prints its figures and wants the
# machine for itself.
test-live: .venv/.dev
	.venv/bin/python -m pytest -s tests/e2e/test_webcam.py --run-slow
	.venv/bin/python -m pytest -s tests/services/analysis/test_live.py --run-slow -k five_minutes

test-training: .venv-train/.train
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 .venv-train/bin/python -m pytest -n 2 --dist loadfile --durations 15 tests/training

screenshots: .venv/.dev
	.venv/bin/python -m docs.make_screenshots

# Report, ethics and data cards from the measured files; PDFs where there is a chromium.
report: .venv/.dev
	.venv/bin/python -m docs.tools.report

slides: .venv/.dev
	.venv/bin/python -m docs.tools.slides

# The site, in build/site; broken links and missing pages are errors.
docs: .venv/.dev
	.venv/bin/mkdocs build --strict --quiet

# What is made from the lock and the settings, and held equal to them by tests/deploy.
deploy-files: .venv/.dev $(UV)
	.venv/bin/python deploy/export_requirements.py $(UV)
	.venv/bin/python deploy/licences.py
	.venv/bin/python -m docs.tools.settings

# Whether a package in the lock has a known hole; needs the network.
audit: .venv/.dev $(UV)
	.venv/bin/python deploy/audit.py $(UV)

# Every branch of consent, retention, audit and erasure; needs Debian's package postgresql.
coverage-store: .venv/.dev
	sh tests/db/coverage.sh

# Which small changes to consent, retention, audit and erasure no quick test notices; an hour.
mutation-store: .venv/.dev $(UV)
	$(UV) run --frozen --no-sync --with mutmut==3.8.1 mutmut run
	$(UV) run --frozen --no-sync --with mutmut==3.8.1 mutmut results

# 20,000 bent pictures and 2,000 hostile requests.
test-hostile: .venv/.dev
	.venv/bin/python -m pytest tests/core/pictures/test_images_fuzz.py --run-slow
	.venv/bin/python -m pytest tests/e2e/test_hostile.py --run-slow

# Ends with what became slower than recorded in docs/performance.
bench: .venv/.app
	@mkdir -p build
	.venv/bin/mien bench --out build/bench.json
	.venv/bin/python benchmarks/compare.py build/bench.json

# The figures of docs/performance.md anew, but for the peers; ten minutes of a quiet machine.
performance: .venv/.dev
	.venv/bin/mien bench --out docs/performance/bench.json
	.venv/bin/python benchmarks/floor.py --json docs/performance/floor.json
	.venv/bin/python benchmarks/batch.py --json docs/performance/batch.json
	.venv/bin/python benchmarks/load.py --json docs/performance/load.json
	.venv/bin/python -m docs.tools.report

# Expression packages of others beside Mien; several gigabytes, most of an hour.
DATA ?= fer2013.parquet
bench-peers: .venv/.app .venv-peers/.peers
	.venv/bin/python benchmarks/peers.py --data $(DATA)

# The studies of the default model anew, after it changed; half an hour. SETS holds the sets. dlib's
# rows of the last two need the dlib extra.
SETS ?= .
studies: .venv/.app
	.venv/bin/mien bias all --data $(SETS)/fer2013.parquet --annotations $(SETS)/utkface.parquet
	.venv/bin/mien study failures --fer $(SETS)/fer2013.parquet
	.venv/bin/python -m training.fits.quality --data $(SETS)/fer2013.parquet
	.venv/bin/python -m training.fits.conformal --data $(SETS)/fer2013.parquet
	.venv/bin/mien evaluate --coverage --split test --data $(SETS)/fer2013.parquet
	.venv/bin/mien study landmarks --fer $(SETS)/fer2013.parquet --helen $(SETS)/helen68.parquet --cache runs/landmark_study
	.venv/bin/python -m training.fits.detector_effect --data $(SETS)/fer2013.parquet

# The quality table of the detectors anew; ten minutes, or hours with dlib's.
detectors: .venv/.app
	for name in yunet ensemble blazeface haar; do \
		.venv/bin/mien detect-eval --data $(SETS)/wider_val.parquet --detector $$name --out models/$$name/evaluation.json || exit 1; done

# Fifteen minutes of a GPU, where one is at hand: PyTorch and Keras must be there, for the project
# locks TensorFlow. Rehearsed on a processor by the same command with few faces and small batches:
# make gpu-campaign SETS=... CAMPAIGN="--seconds 60 --batch-size 32 --n-per-epoch 288"
PYTHON_GPU ?= python3
gpu-campaign:
	KERAS_BACKEND=torch $(PYTHON_GPU) -m training.expression.campaign --data $(SETS)/fer2013.parquet --photos $(SETS)/rafdb.parquet $(CAMPAIGN)

setup-train: .venv-train/.train

setup-batch: .venv/.app
	$(UV) sync --frozen --inexact --quiet --extra cluster

.venv/.app: uv.lock pyproject.toml $(UV)
	$(UV) sync --frozen --inexact --quiet --extra heic
	@touch $@

.venv/.dev: uv.lock pyproject.toml $(UV)
	$(UV) sync --frozen --inexact --quiet --extra dev --extra docs
	@touch $@

.venv-train/.train: uv.lock pyproject.toml $(UV)
	UV_PROJECT_ENVIRONMENT=.venv-train $(UV) sync --frozen --inexact --quiet --extra train --extra dev
	@touch $@

.venv-peers/.peers: benchmarks/peers-runtime.txt benchmarks/peers-requirements.txt $(UV)
	$(UV) venv --quiet --clear --python "$(PYTHON)" .venv-peers
	$(UV) pip install --quiet --python .venv-peers -r benchmarks/peers-runtime.txt
	$(UV) pip install --quiet --python .venv-peers --no-deps -r benchmarks/peers-requirements.txt
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo "Mien needs Python 3.11, 3.12 or 3.13; none was found." >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

clean:
	rm -rf .venv .venv-train .venv-peers .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis
