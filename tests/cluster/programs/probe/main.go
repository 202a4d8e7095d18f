// Command probe is what tests/cluster/check and the suites of the profiles run in a pod. It serves HTTP on :8080:
//
//	/          the client's address, as this pod sees it
//	/forwarded what stands in X-Forwarded-For
//	/get?url=  the answer of another URL (so: DNS, Services and policies as seen from this pod)
//	/write     writes a file into /data and says what it reads back
//	/load?is=  sets the number that /metrics shows as probe_load
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var load atomic.Int64

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, r.RemoteAddr) })
	http.HandleFunc("/forwarded", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, strings.Join(r.Header.Values("X-Forwarded-For"), ", "))
	})
	http.HandleFunc("/get", get)
	http.HandleFunc("/write", write)
	http.HandleFunc("/load", setLoad)
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE probe_load gauge\nprobe_load %d\n", load.Load())
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func setLoad(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.URL.Query().Get("is"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	load.Store(number)
}
func get(w http.ResponseWriter, r *http.Request) {
	// no reuse: an established connection survives a policy that closes
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	io.Copy(w, io.LimitReader(answer.Body, 1<<20))
}

func write(w http.ResponseWriter, _ *http.Request) {
	const file = "/data/written"
	if err := os.WriteFile(file, []byte("kept\n"), 0o600); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(content)
}
