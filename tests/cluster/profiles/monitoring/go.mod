module marketplace-operator.dev/tests/cluster/profiles/monitoring

go 1.26.8

// only its example/prometheus-operator-crd is read: nothing is compiled, so that nothing else is required
require github.com/prometheus-operator/prometheus-operator v0.85.0
