# Short names for the commands people type; each is one line, so that nothing hides here.
.PHONY: demo test ci fmt

demo: ## 200 simulated payments, then the four agreements
	cargo run --release -- demo

test: ## the whole suite, with its own PostgreSQL and NATS servers
	cargo xtask test

ci: ## what the build server runs
	.ci/run

fmt: ## format the code
	cargo fmt --all
