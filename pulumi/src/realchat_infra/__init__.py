"""RealChat on Kubernetes: one module per part, each a Pulumi component with typed inputs.

Numbers and addresses that the repository already has (applications, call graph, Dapr components, topics) are read
from there by `sources`; what a stack decides is in `settings`.
"""
