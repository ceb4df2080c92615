# Link the uv that is installed, or install one: targets find it under this name, whatever PATH has.
.tools/bin/uv: .ci/uv.txt
	@if found="$$(command -v uv)" && [[ $$found != *.tools/bin/uv ]]; then mkdir -p .tools/bin && ln -sfn "$$found" $@; exit; fi; \
	python3 -m pip --version >/dev/null 2>&1 || { echo "error: uv is missing, and so is pip to fetch it. Install python3-pip (or uv) and run make again." >&2; exit 2; }; \
	python3 -m pip install --quiet --require-hashes --target .tools --upgrade -r .ci/uv.txt && touch $@

.venv/.demo: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --inexact --no-default-groups --group dbt --extra local --extra api && touch $@

.venv/.dev: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --extra local --extra lineage --extra api && touch $@ .venv/.demo

# The Zig compiler has its own environment. The kernel is compiled again when its sources or the lock file change.
.tools/zig/.locked: uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=.tools/zig $(UV) sync --locked --only-group kernel && touch $@

bronze_kernel/kernel.so: $(wildcard bronze_kernel/*.zig) bronze_kernel/build.py .tools/zig/.locked
	@.tools/zig/bin/python -m bronze_kernel.build
