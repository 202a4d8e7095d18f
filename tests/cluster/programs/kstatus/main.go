// What kstatus, by which Helm, Flux and kpt wait, says of the object that comes as JSON on the standard input: one word,
// and its reason on the next line.
package main

import (
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	object := &unstructured.Unstructured{}
	if err == nil {
		err = object.UnmarshalJSON(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed to read the object:", err)
		os.Exit(2)
	}
	result, err := status.Compute(object)
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed to judge the object:", err)
		os.Exit(1)
	}
	fmt.Printf("%s\n%s\n", result.Status, result.Message)
}
