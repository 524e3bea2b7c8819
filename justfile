# `dev/up` comes first on a new machine: it installs uv and just.

# list the recipes
default:
    @just --list --unsorted

# start everything and wait until it is ready; `--observe`: with Zipkin and Prometheus
up *options:
    @dev/up {{ options }}

# stop everything; nothing is left running
down *options:
    @dev/down {{ options }}

# show every process, and why it is not ready
status *options:
    @dev/status {{ options }}

# follow the logs of an app and its sidecar, or of any process: just logs message
logs process *options:
    @dev/logs {{ process }} {{ options }}

# find common faults, and say what to do
doctor *options:
    @dev/run python -m stack.doctor {{ options }}

# draw a flame graph of a running app: just profile message --seconds 30
profile app *options:
    @dev/run python -m stack.profiler {{ app }} {{ options }}

# make somebody an administrator: just admin alice@example.com
admin email *options:
    @dev/run python -m stack.admin {{ email }} {{ options }}

# start only what `dapr run -f .` needs: PostgreSQL, Redis, Kafka, topics, secrets
infra *options:
    @dev/infra {{ options }}

# run the tests; arguments go to pytest: just test tests/unit -k log
test *arguments:
    @dev/test {{ arguments }}

# ask a real Kubernetes API server about all that Pulumi makes, and run the image's steps and commands as processes
test-infra *arguments:
    -dev/run python -m stack install --kubernetes
    dev/test -m "kubernetes or image" tests/infra {{ arguments }}

# build what `just test-infra` needs to make Pulumi's plan true: its engine and Kubernetes' controllers (a quarter of an hour, once)
engine:
    @dev/run python -m stack install --kubernetes --engine

# watch a stack by Zipkin and Prometheus, and ask each query of the dashboards and alerts
test-observed *arguments:
    -dev/run python -m stack install --observers
    dev/test -m observed tests/observability {{ arguments }}

# build the web client, and check its types, style and rules
web:
    @dev/run python -m stack install
    cd apps/web && npm run --silent check

# check style
lint:
    cd contracts && uv run --no-sync buf lint
    dev/run ruff check
    dev/run ruff format --check

# check types
types:
    dev/run mypy

# format, and fix what can be fixed
fmt:
    dev/run ruff check --fix
    dev/run ruff format

# generate the stubs and catalogues from contracts/
gen:
    dev/run python contracts/generate.py

# do harm to the running stack and see it recover: just fault kafka
fault name *options:
    @dev/run python -m stack.faults {{ name }} {{ options }}

# write and read as two people for ever, and tell it as metrics; `--help` says of what system
probe *options:
    @dev/run python -m observe.probe {{ options }}

# check alerts and dashboards, and write the dashboards anew
dashboards:
    @dev/run python -m observe.dashboards
    promtool check rules dev/observability/rules.yaml
    promtool test rules dev/observability/rules_test.yaml

# measure on a stack of its own: just bench, just bench --quick, just bench steady --rate 300
bench *options:
    @PYTHONPATH=tests dev/run python -m bench {{ options }}

# measure the web client with 100,000 messages in one conversation, in a real browser
bench-history *options:
    @dev/run python -m stack install --browser
    @PYTHONPATH=tests dev/run python -m bench.history {{ options }}

# fill the running stack with twenty people, their groups and ten thousand messages
demo *options:
    @dev/run python -m stack.demo {{ options }}
