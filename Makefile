.PHONY: demo test soak bench check generate images model clean-cluster

demo: ; @tests/lanes/demo.sh
test: ; @tests/lanes/test.sh
soak: ; @tests/lanes/soak.sh
check: ; @tests/lanes/check.sh
bench: ; @tests/lanes/bench.sh
generate: ; @tests/lanes/generate.sh
images: ; @tests/lanes/images.sh
model: ; @tests/lanes/model.sh
clean-cluster: ; @tests/lanes/clean-cluster.sh
